import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planStages, type Stage } from './plan.js'

const stage = (name: string, needs: readonly string[] = [], more: Partial<Stage> = {}): Stage => ({
  ...{ name, needs, settings: {} },
  run: async () => ({ files: {} }),
  ...more,
})
const order = async (stages: readonly Stage[]) => (await planStages(stages)).map(({ stage }) => stage.name)

/** Stages that need only such with smaller numbers, shuffled. */
const anyStages = fc
  .integer({ min: 1, max: 12 })
  .chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, i) =>
        fc.subarray(Array.from({ length: i }, (_, k) => `s${k}`)).map((needs) => stage(`s${i}`, needs)),
      ),
    ),
  )
  .chain((stages) => fc.shuffledSubarray(stages, { minLength: stages.length }))

/** Names of a stage and of all that depend on it. */
function dependants(stages: readonly Stage[], name: string): Set<string> {
  const found = new Set<string>()
  const visit = (each: string) => {
    found.add(each)
    for (const { name, needs } of stages) if (needs.includes(each) && !found.has(name)) visit(name)
  }
  visit(name)
  return found
}

describe('planning', () => {
  it('keeps the order given where needs allow', async () => {
    expect(await order([stage('a'), stage('b'), stage('c', ['d']), stage('d')])).toEqual(['a', 'b', 'd', 'c'])
    expect(await order([])).toEqual([])
  })

  it('puts every stage once, after what it needs', () =>
    fc.assert(
      fc.asyncProperty(anyStages, async (stages) => {
        const names = await order(stages)
        expect([...names].sort()).toEqual(stages.map(({ name }) => name).sort())
        for (const { name, needs } of stages) for (const need of needs) expect(names.indexOf(need)).toBeLessThan(names.indexOf(name))
      }),
    ))

  it('gives another key to a changed stage and all that depend on it, and to nothing else', () =>
    fc.assert(
      fc.asyncProperty(anyStages, fc.nat(), async (stages, pick) => {
        const { name } = stages[pick % stages.length]!
        const before = new Map((await planStages(stages)).map((each) => [each.stage.name, each.key]))
        const after = await planStages(stages.map((each) => (each.name === name ? { ...each, settings: { changed: true } } : each)))
        const changed = after.filter((each) => before.get(each.stage.name) !== each.key).map((each) => each.stage.name)
        expect(new Set(changed)).toEqual(dependants(stages, name))
      }),
    ))

  it('gives keys that depend on name, settings, needs and inputs, and not on the order of properties', async () => {
    const key = async (each: Stage) => (await planStages([stage('n'), each])).at(-1)!.key
    const keys = await Promise.all(
      [
        stage('a'),
        stage('b'),
        stage('a', ['n']),
        stage('a', [], { settings: { x: 1, y: 2 } }),
        stage('a', [], { fingerprints: { data: '1' } }),
        stage('a', [], { fingerprints: { data: '2' } }),
      ].map(key),
    )
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.every((each) => /^[0-9a-f]{64}$/.test(each))).toBe(true)
    expect(await key(stage('a', [], { settings: { y: 2, x: 1 } }))).toBe(keys[3])
    // Other keys would run everything again in everybody's folders: the schema must change with them.
    expect(keys[0]).toMatchInlineSnapshot(`"adbd5624a579d9a6dc1478b1aaa668ec6ba3a2b0a496ab7ff78087cfdba5d559"`)
  })

  it.each([
    ['a circle', [stage('a', ['c']), stage('b', ['a']), stage('c', ['b'])], 'must not need each other in a circle; got a > c > b > a'],
    ['itself', [stage('a', ['a'])], 'got a > a'],
    ['an unknown name', [stage('a', ['b']), stage('c')], "'a' needs 'b', which is no stage; the stages are a, c"],
    ['a name twice', [stage('a'), stage('a')], "stages must have folders of their own; 'a' and 'a' share one"],
    ['one folder', [stage('tier:a'), stage('Tier-a')], "'tier:a' and 'Tier-a' share one"],
    ['a name for no folder', [stage('../a')], "a stage's name must have letters"],
    [
      'no run',
      [{ name: 'a', needs: [], settings: {} } as never],
      'a stage must be { name, needs, settings, run }; got an object with name',
    ],
    ['no needs', [{ ...stage('a'), needs: undefined } as never], 'a stage must be { name, needs, settings, run }'],
    [
      'settings that are no JSON',
      [stage('a', [], { settings: { x: (() => {}) as never } })],
      "stage 'a': JSON: settings.x must be plain data; got a function",
    ],
    ['no list', 'stages' as never, "stages must be a list; got 'stages'"],
  ])('refuses %s', async (_, stages, message) => {
    await expect(planStages(stages)).rejects.toThrow(message)
  })
})
