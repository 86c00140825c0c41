import type { Interpolation, Preprocessing } from '@learngene/interfaces'
import { describe, expect, it } from 'vitest'
import { normalise } from '../normalise.js'
import { evaluationCrop, evaluationTransform } from './evaluation-transform.js'
import { expectPixels, type Stored, source } from './golden.fixture.js'
import golden from './golden.json' with { type: 'json' }
import { resizeImage } from './resize.js'

const framingOf = ({ mean, std, ...framing }: Preprocessing) => JSON.stringify(framing)

describe(`against ${golden.madeWith}, bit for bit`, () => {
  it.each(golden.resize.map((entry) => [entry.from.join(' x '), entry.to.join(' x '), entry.interpolation, entry] as const))(
    'resizes %s to %s, %s',
    (_from, _to, _interpolation, { from, to, interpolation, ...stored }) => {
      const resized = resizeImage(source(from), { height: to[0]!, width: to[1]! }, interpolation as Interpolation)
      expect([resized.height, resized.width, resized.channels]).toEqual([...to, from[2]])
      expectPixels(resized.data, stored as Stored)
    },
  )

  it.each(
    golden.evaluate.map((entry) => [entry.from.join(' x '), framingOf(entry.preprocessing as unknown as Preprocessing), entry] as const),
  )('prepares %s for evaluation with %s', (_from, _framing, { from, preprocessing, ...stored }) => {
    const image = source(from)
    const complete = preprocessing as unknown as Preprocessing
    const cropped = evaluationCrop(image, complete)
    expect([cropped.height, cropped.width, cropped.channels]).toEqual([...preprocessing.size, from[2]])
    expectPixels(cropped.data, stored as Stored)
    expect(evaluationTransform(complete)(image)).toEqual(normalise(cropped.data, complete))
  })
})
