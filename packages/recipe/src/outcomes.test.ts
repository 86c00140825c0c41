import { encodeSafetensors } from '@learngene/vit-blocks'
import { expect, it } from 'vitest'
import { accuracyOf, decodeOutcomes, encodeOutcomes } from './outcomes.js'

const outcome = (correct: number[], probability: number[]) => ({
  correct: Uint8Array.from(correct),
  confidence: { probability: Float64Array.from(probability), margin: Float64Array.from(probability) },
})
const paths = ['a[0-1]', 'a[0-0]>b[1-1]']
const validation = [outcome([1, 0, 1], [0.5, 0.25, 1]), outcome([0, 0, 1], [0.75, 0.5, 0.125])]
const test = [outcome([1], [0.5]), outcome([0], [0.25])]

it('gives back what it was given, parts that were not evaluated too', async () => {
  expect(await decodeOutcomes(encodeOutcomes({ paths, validation, test }))).toEqual({ paths, validation, test })
  expect(await decodeOutcomes(encodeOutcomes({ paths, test }))).toEqual({ paths, validation: [], test })
})

it('counts what is right', () => {
  expect(validation.map(accuracyOf)).toEqual([2 / 3, 1 / 3])
})

it('refuses what is something else', async () => {
  const table = { name: 'test.correct', shape: [1, 2], data: Float32Array.of(0, 1) }
  await expect(decodeOutcomes(encodeSafetensors([table]))).rejects.toThrow('outcomes.safetensors: its metadata must list the paths')
  const metadata = { paths: JSON.stringify(paths) }
  await expect(decodeOutcomes(encodeSafetensors([table], { metadata }))).rejects.toThrow(
    'test.correct must be a table with a row for each of 2 paths; it is not',
  )
  await expect(decodeOutcomes(Uint8Array.of(1, 2))).rejects.toThrow('outcomes.safetensors')
})
