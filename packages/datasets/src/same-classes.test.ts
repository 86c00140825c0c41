import { expect, it } from 'vitest'
import { numberedDataset } from './dataset.fixture.js'
import { requireSameClasses } from './same-classes.js'

const training = numberedDataset([0, 1, 2])

it('takes splits of the same classes', () => {
  requireSameClasses({ training, validation: numberedDataset([2, 1, 0, 0]), test: training })
  requireSameClasses({ training: { ...training, classes: [], labels: [] } })
  requireSameClasses({})
})

it('tells all faults of all splits in one line', () => {
  const splits = {
    training: numberedDataset([0, 2]),
    validation: numberedDataset([0, 1, 2], ['a', 'x', 'c']),
    test: numberedDataset([0, 1, 2], ['c', 'b', 'a']),
    more: { ...training, name: 'pile', classes: [], labels: [] },
  }
  expect(() => requireSameClasses(splits)).toThrow(
    'all splits must have the classes of training, in its order, with pictures of each; training (numbered): has no pictures of b; validation (numbered): lacks the classes b, has the unknown classes x; test (numbered): has c as class 0 where it should be a; more (pile): lacks the classes a, b, c',
  )
})

it('says that classes which look the same differ in their Unicode normalisation', () => {
  const [composed, decomposed] = ['é'.normalize('NFC'), 'é'.normalize('NFD')]
  const splits = { training: numberedDataset([0, 1], ['a', composed]), test: numberedDataset([0, 1], ['a', decomposed]) }
  expect(() => requireSameClasses(splits)).toThrow(
    `; test (numbered): has in another Unicode normalisation (rename these, or list the classes in the form that their names have) the classes ${decomposed} (is NFD, must be NFC)`,
  )
})
