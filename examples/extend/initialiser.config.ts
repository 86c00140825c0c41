// An initialiser of stitches of one's own: the ridge regression, half way to a map that keeps what both tiers have in common.
// npx learngene run --config examples/extend/initialiser.config.ts --out runs/initialiser
import { ridge, type StitchInitialiser } from '@learngene/stitch'
import { defineConfig } from 'learngene'
import { small } from './small.js'

const fitted = ridge()

/** Tiers of one ancestor share their leading directions, so the start of the stream can stay as it is. */
const halfway: StitchInitialiser = (problem) => {
  const { inputs, outputs, weight, bias } = fitted(problem)
  const isKept = (i: number) => Math.floor(i / inputs) === i % inputs
  return {
    inputs,
    outputs,
    weight: weight.map((value, i) => 0.5 * value + (isKept(i) ? 0.5 : 0)),
    bias: bias.map((value) => 0.5 * value),
  }
}

export default defineConfig({
  ...small,
  // The first stitches the pool; report.json compares all of them before anything is trained.
  initialisers: ['halfway', 'ridge', 'random'],
  registry: { initialisers: { halfway } },
})
