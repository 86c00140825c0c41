import { identity } from './identity.js'
import { learned } from './learned.js'
import { leastSquares } from './least-squares.js'
import { paper } from './paper.js'
import { pinv } from './pinv.js'
import type { StitchInitialiser } from './problem.js'
import { random } from './random.js'
import { ridge } from './ridge.js'

/** The initialisers by name, with their default options. */
export const initialisers = {
  learned,
  paper,
  pinv,
  leastSquares: leastSquares(),
  ridge: ridge(),
  random,
  identity,
} satisfies Record<string, StitchInitialiser>

export type InitialiserName = keyof typeof initialisers
