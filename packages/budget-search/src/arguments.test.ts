import { expect, describe as group, it } from 'vitest'
import { describe } from './arguments.js'
import { fallingReturns, type Genes, gridSpace, linearCost, seededRng } from './fixtures.js'
import * as api from './index.js'

const space = gridSpace({ bounds: [4, 4], cost: linearCost })
const score = (values: readonly Genes[]) => values.map(fallingReturns)
const rng = seededRng(1)
/** Whatever stands where something else belongs. */
const wrong = (value: unknown) => value as never
const none = wrong(undefined)
const { cost: _, ...costless } = space

group('mistaken arguments are told in one line', () => {
  it.each<[string, () => unknown, string]>([
    ['search without a space', () => api.search(none, score, {}), 'the space must be an object: got undefined'],
    ['search of a list', () => api.search(wrong([1, 2]), score, {}), 'the space must be an object: got an array of 2'],
    [
      'search of a space without costs',
      () => api.search(wrong(costless), score, {}),
      'a space must have the functions count, enumerate, cost, key: cost() is missing, got an object with count, ',
    ],
    ['search with scores', () => api.search(space, wrong([0.5]), {}), 'the evaluator must be a function: got an array of 1'],
    ['search without a budget', () => api.search(space, score, none), 'a budget must be an object: got undefined'],
    [
      'search with a budget as text',
      () => api.search(space, score, wrong('macs=5M')),
      "a budget is an object such as { macs: 5e9 }: got 'macs=5M'; parseBudget reads text",
    ],
    ['search with a number for options', () => api.search(space, score, {}, wrong(3)), 'options must be an object: got 3'],
    [
      'an evaluator that returns a number',
      () =>
        api.search(
          space,
          wrong(() => 0.5),
          {},
        ),
      'an evaluator must return a list of scores: got 0.5',
    ],
    [
      'an evaluator that returns nothing',
      () =>
        api.search(
          space,
          wrong(() => undefined),
          {},
        ),
      'must return a list of scores: got undefined',
    ],
    [
      'exhaustiveSearch without an evaluator',
      () => api.exhaustiveSearch(space, none, {}),
      'the evaluator must be a function: got undefined',
    ],
    [
      'evolutionarySearch without options',
      () => api.evolutionarySearch(space, score, {}, none),
      'options must be an object: got undefined',
    ],
    [
      'evolutionarySearch without a generator',
      () => api.evolutionarySearch(space, score, {}, wrong({})),
      'rng must be a generator of random numbers, for example createRng(0): got undefined',
    ],
    [
      'evolutionarySearch with a seed',
      () => api.evolutionarySearch(space, score, {}, wrong({ rng: 1 })),
      'for example createRng(0): got 1',
    ],
    [
      'evolutionarySearch with features',
      () => api.evolutionarySearch(space, score, {}, { rng, features: wrong([1]) }),
      'features must be a function: got an array of 1',
    ],
    [
      'evolutionarySearch, feature vectors that are numbers',
      () => api.evolutionarySearch(space, score, {}, { rng, population: 2, features: wrong(() => 1) }),
      'a feature vector must be a list of numbers: got 1',
    ],
    [
      'pareto of a result',
      () => api.pareto(wrong({ evaluated: [] }), { cost: 'macs' }),
      'candidates must be a list: got an object with evaluated',
    ],
    ['pareto without options', () => api.pareto([], none), 'options must be an object: got undefined'],
    ['pareto without a cost', () => api.pareto([], wrong({})), "cost must name one measure or several, for example 'macs': got undefined"],
    ['fits without measures', () => api.fits(none, { macs: 3 }), 'measures must be an object: got undefined'],
    ['violations with text', () => api.violations({ macs: 3 }, wrong('macs=3')), 'parseBudget reads text'],
    [
      'parseBudget of a budget',
      () => api.parseBudget(wrong({ macs: 3 })),
      "a budget's text reads like macs=5e9,params=3M: got an object with macs",
    ],
    ['formatBudget of text', () => api.formatBudget(wrong('macs=3')), 'parseBudget reads text'],
    ['measureLatency of a time', () => api.measureLatency(wrong(12)), 'run must be a function: got 12'],
    ['fitRidge without targets', () => api.fitRidge([[1]], none, 1), 'rows and targets must be lists: got an array of 1 and undefined'],
  ])('%s', async (_, call, message) => {
    const error: Error = await Promise.resolve()
      .then(call)
      .then(
        () => expect.unreachable('it must be refused'),
        (error) => error,
      )
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('\n')
    expect(error).not.toBeInstanceOf(TypeError)
  })
})

it.each<[unknown, string]>([
  [null, 'null'],
  ['x'.repeat(50), `'${'x'.repeat(40)}…'`],
  [{}, 'an empty object'],
  [{ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 }, 'an object with a, b, c, d, e, f, …'],
  [() => 1, 'a function'],
])('describes %j', (value, text) => {
  expect(describe(value)).toBe(text)
})
