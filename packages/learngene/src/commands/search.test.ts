import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DescendantRow } from '@learngene/recipe/reports'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { sampleReport } from '../report/sample.fixture.js'
import { temporaryDirectory } from '../run.fixture.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

async function runWith(name: string, text: string): Promise<string> {
  const dir = join(root, name)
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'report.json'), text)
  return dir
}

const search = (dir: string, budget: string, ...more: string[]) => run(['search', '--run', dir, '--budget', budget, ...more])

describe('learngene search', () => {
  it('chooses by validation accuracy under hard caps and gives the front of what keeps them', async () => {
    const { descendants } = sampleReport()
    const dir = await runWith('good', JSON.stringify(sampleReport()))
    for (const [budget, keeps] of [
      ['macs=8M', ({ macs }: DescendantRow) => macs <= 8e6],
      ['macs=8000000,params=400k', ({ macs, parameters }: DescendantRow) => macs <= 8e6 && parameters <= 4e5],
      ['memory=2MB', ({ memory }: DescendantRow) => memory <= 2e6],
    ] as const) {
      const { code, stdout, stderr } = await search(dir, budget, '--json', '--seed', '3')
      expect([code, stderr]).toEqual([0, ''])
      const { chosen, pareto } = JSON.parse(stdout)
      const feasible = descendants.filter(keeps)
      const best = Math.max(...feasible.map(({ validationAccuracy }) => validationAccuracy))
      expect(feasible).toContainEqual(chosen)
      expect(chosen.validationAccuracy).toBe(best)
      const isDominated = (row: DescendantRow) =>
        feasible.some(
          (other) =>
            other.macs <= row.macs &&
            other.validationAccuracy >= row.validationAccuracy &&
            (other.macs < row.macs || other.validationAccuracy > row.validationAccuracy),
        )
      expect(pareto.map(({ id }: DescendantRow) => id).sort()).toEqual(
        feasible
          .filter((row) => !isDominated(row))
          .map(({ id }) => id)
          .sort(),
      )
    }
  })

  it('prints a table and the reason without --json', async () => {
    const { code, stdout } = await search(await runWith('good', JSON.stringify(sampleReport())), 'macs=8M')
    expect(code).toBe(0)
    expect(stdout).toMatch(/\n> {2}w24d12\[0-2\]>w48d12\[3-11\] [\s\S]*\nchosen: w24d12\[0-2\]>w48d12\[3-11\]\n.*\n.* lost: /)
  })

  it('says which images chose and which report, and ends with the command that extracts; not with --quiet', async () => {
    const dir = await runWith("Läufe o'er", JSON.stringify(sampleReport()))
    const { stdout } = await run(['search', dir, '--budget', 'macs=8M'])
    const { path, validationAccuracy, testAccuracy } = sampleReport().descendants.find(({ path }) => path === sampleReport().choice.path)!
    const [validation, test] = [validationAccuracy, testAccuracy].map((share) => `${(100 * share).toFixed(1)} % right`)
    expect(stdout).toContain(`\nchosen on 1000 validation images (${validation}), reported on 2000 test images: ${test}\n`)
    const quotedDir = `'${dir.replaceAll("'", "'\\''")}'`
    expect(stdout.endsWith(`\n\nnext: npx learngene extract ${quotedDir} --path '${path}'\n`)).toBe(true)
    const quiet = await run(['search', '--run', dir, '--budget', 'macs=8M', '--quiet'])
    expect(quiet).toEqual({ code: 0, stderr: '', stdout: stdout.slice(0, stdout.indexOf('\nnext: ')) })
    const json = JSON.parse((await run(['search', dir, '--budget', 'macs=8M', '--json'])).stdout)
    expect(json).toMatchObject({ images: { validation: 1000, test: 2000 }, next: `npx learngene extract ${quotedDir} --path '${path}'` })
    expect(json.why).toContain(`${json.runnerUp.path} lost: `)
  })

  it('names the smallest model where no descendant keeps the budget', async () => {
    const { code, stdout, stderr } = await search(await runWith('good', JSON.stringify(sampleReport())), 'macs=400k', '--json')
    expect(stderr).toMatch(
      /^learngene: no candidate fits the budget macs=400k: the smallest by macs is w12d12\[0-11\] with 470\.\d+k; .*\n$/,
    )
    expect([code, stdout]).toEqual([1, ''])
  })

  const damaged = (change: (report: Record<string, unknown>) => unknown) => {
    const report = JSON.parse(JSON.stringify(sampleReport()))
    return JSON.stringify(change(report))
  }

  it.each([
    ['cut off', '{"schema": 2', /report\.json is not JSON/],
    [
      'of an earlier version',
      damaged((report) => ({ ...report, schema: 1 })),
      /must have schema 2, it has 1: another version of learngene wrote it; make the run again with: npx learngene quickstart --out '.*of an earlier version'$/m,
    ],
    [
      'of another command',
      damaged((report) => ({ ...report, command: 'study' })),
      /must be the report of learngene quickstart or run; it has schema 2 and command "study"/,
    ],
    ['no object', 'null', /must be the report of learngene quickstart or run/],
    ['without descendants', damaged((report) => ({ ...report, descendants: [] })), /is damaged at descendants: /],
    ['with a wrong number', damaged((report) => ({ ...report, seed: 'x' })), /is damaged at seed: /],
  ])('refuses a report %s', async (name, text, message) => {
    const { code, stdout, stderr } = await search(await runWith(name, text), 'macs=1G')
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect([code, stdout]).toEqual([1, ''])
  })
})
