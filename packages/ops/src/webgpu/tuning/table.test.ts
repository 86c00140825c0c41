import { afterEach, describe, expect, test, vi } from 'vitest'
import type { MatrixUnit } from '../linear/matrix-unit.js'
import { identityOf, kernelsVersion, parseTable, type TuningTable, tableName } from './table.js'

const adapter = identityOf({ vendor: 'amd', architecture: 'rdna-3', device: '', description: 'driver 24.1' })
const key = 'f32 depth depth 10x20x30'
const table: TuningTable = {
  schema: 1,
  kernels: kernelsVersion(),
  adapter,
  plans: { [key]: { rows: 64, columns: 64, parts: 2, ms: 0.5, untunedMs: 0.7 } },
}
const changed = (change: object) => JSON.stringify({ ...table, ...change })
const withPlan = (plan: unknown) => changed({ plans: { [key]: plan } })

test('reads what was written', () => {
  expect(parseTable(JSON.stringify(table), adapter)).toEqual(table)
})

test.each<[string, string, string]>([
  ['half a file', JSON.stringify(table).slice(0, 80), 'it is damaged: it must be JSON'],
  ['nothing', '', 'it must be JSON'],
  ['null', 'null', 'it must have schema 1; it has undefined'],
  ['another schema', changed({ schema: 2 }), 'it must have schema 1; it has 2'],
  ['other kernels', changed({ kernels: '01234567' }), 'it was measured with other kernels'],
  ['another driver', changed({ adapter: { ...adapter, description: 'driver 24.2' } }), 'it was measured on another adapter'],
  ['no adapter', changed({ adapter: null }), 'it was measured on another adapter'],
  ['plans in a list', changed({ plans: [] }), 'it is damaged: plans must be an object'],
  ['no plan', withPlan(null), `it is damaged: the plan of '${key}' must have rows`],
  ['no parts', withPlan({ rows: 64, columns: 64, parts: 0, ms: 1, untunedMs: 1 }), 'must have rows, columns and parts of at least 1'],
  ['half a tile', withPlan({ rows: 0.5, columns: 64, parts: 1, ms: 1, untunedMs: 1 }), 'must have rows'],
  ['no time', withPlan({ rows: 64, columns: 64, parts: 1, ms: null, untunedMs: 1 }), 'and times'],
])('refuses %s', (_, text, message) => {
  expect(() => parseTable(text, adapter)).toThrow(message)
})

test('each adapter and driver has a file of its own, with a name that any system takes', () => {
  const names = [adapter, identityOf({ ...adapter, description: 'driver 24.2' }), identityOf({ vendor: '../ä B' }), identityOf({})].map(
    tableName,
  )
  expect(new Set(names).size).toBe(4)
  for (const name of names) expect(name).toMatch(/^[a-z0-9-]+-[0-9a-f]{8}\.json$/)
  expect(names[0]).toMatch(/^amd-rdna-3-/)
})

describe('tables hold for these kernels alone:', () => {
  afterEach(() => {
    vi.doUnmock('../linear/matrix-unit.js')
    vi.resetModules()
  })

  test.each(['emulatedMatrices', 'subgroupMatrices'] as const)('other code of %s is another version', async (name) => {
    vi.resetModules()
    vi.doMock('../linear/matrix-unit.js', async (actual) => {
      const units = await actual<typeof import('../linear/matrix-unit.js')>()
      const changed = (...given: readonly unknown[]) => {
        const unit = (units[name] as (...given: readonly unknown[]) => MatrixUnit)(...given)
        return { ...unit, multiplyAdd: (...factors: Parameters<typeof unit.multiplyAdd>) => `(${unit.multiplyAdd(...factors)})` }
      }
      return { ...units, [name]: changed }
    })
    expect((await import('./table.js')).kernelsVersion()).not.toBe(kernelsVersion())
  })

  test('the same code is the same version', async () => {
    vi.resetModules()
    expect((await import('./table.js')).kernelsVersion()).toBe(kernelsVersion())
  })
})
