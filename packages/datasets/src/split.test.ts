import type { Dataset } from '@learngene/interfaces'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { numberedDataset, numbers } from './dataset.fixture.js'
import { testRng } from './rng.fixture.js'
import { split, splitBalanced } from './split.js'

const labels = Array.from({ length: 60 }, (_, i) => (i < 30 ? 0 : 1 + (i % 2)))
const dataset = numberedDataset(labels)

describe('splitBalanced', () => {
  it('holds out as many of each class and loses no image', () => {
    const [heldOut, rest] = splitBalanced(dataset, 12, testRng(0))
    const counts = [0, 0, 0]
    for (const number of numbers(heldOut)) counts[labels[number]!]!++
    expect(counts).toEqual([4, 4, 4])
    expect([...numbers(heldOut), ...numbers(rest)].sort((a, b) => a - b)).toEqual(labels.map((_, i) => i))
  })

  it('keeps the order of the dataset', () => {
    for (const part of splitBalanced(dataset, 12, testRng(0))) expect(numbers(part)).toEqual(numbers(part).sort((a, b) => a - b))
  })

  it('gives the same images for a seed and others for another', () => {
    const split = (seed: number) => numbers(splitBalanced(dataset, 12, testRng(seed))[0])
    expect(split(1)).toEqual(split(1))
    expect(split(1)).not.toEqual(split(2))
  })

  it('can hold out a whole class', () => {
    const [heldOut, rest] = splitBalanced(dataset, 45, testRng(0))
    expect([heldOut.length, rest.length]).toEqual([45, 15])
    expect(Array.from(rest.labels)).toEqual(new Array(15).fill(0))
  })

  it('refuses what cannot be balanced', () => {
    expect(() => splitBalanced(dataset, 13, testRng(0))).toThrow('number of classes, 3, to hold out as many of each, got 13; use 15')
    expect(() => splitBalanced(dataset, 48, testRng(0))).toThrow('takes 16 of each class, but class 1 (b) has 15')
    expect(() => splitBalanced({ ...dataset, classes: [], labels: [] }, 3, testRng(0))).toThrow('a balanced split needs classes, got none')
    expect(() => splitBalanced(dataset, 0, testRng(0))).toThrow('count must be an integer of at least 1, got 0')
  })
})

describe('split', () => {
  const counts = (part: Dataset) => part.classes.map((_, c) => Array.from(part.labels).filter((label) => label === c).length)

  it('holds out of each class its share', () => {
    expect(counts(split(dataset, { count: 12 }, testRng(0))[0])).toEqual([6, 3, 3])
    expect(counts(split(dataset, { share: 0.2 }, testRng(0))[0])).toEqual([6, 3, 3])
    expect(counts(split(dataset, { count: 13 }, testRng(0))[0])).toEqual([7, 3, 3])
  })

  it('holds out what splitBalanced does where classes are of one size', () => {
    const even = numberedDataset(Array.from({ length: 60 }, (_, i) => i % 3))
    expect(numbers(split(even, { count: 12 }, testRng(5))[0])).toEqual(numbers(splitBalanced(even, 12, testRng(5))[0]))
  })

  it('keeps every class of 2 or more on both sides, as near to its share as that allows', () => {
    const some = fc.array(fc.nat(4), { minLength: 2, maxLength: 80 })
    fc.assert(
      fc.property(some, fc.double({ min: 0.01, max: 0.99, noNaN: true }), fc.nat(), (labels, share, seed) => {
        const drawn = numberedDataset(labels, ['a', 'b', 'c', 'd', 'e'])
        const all = counts(drawn)
        fc.pre(all.some((count) => count > 1))
        const [heldOut, rest] = split(drawn, { share }, testRng(seed))
        expect([...numbers(heldOut), ...numbers(rest)].sort((a, b) => a - b)).toEqual(labels.map((_, i) => i))
        expect(numbers(heldOut)).toEqual([...numbers(heldOut)].sort((a, b) => a - b))
        const [held, left] = [counts(heldOut), counts(rest)]
        all.forEach((count, c) => {
          if (count > 1) expect(Math.min(held[c]!, left[c]!)).toBeGreaterThan(0)
          else expect(held[c]).toBe(0)
        })
        const [least, most] = [all.filter((count) => count > 1).length, all.reduce((total, count) => total + Math.max(0, count - 1), 0)]
        expect(heldOut.length).toBe(Math.min(most, Math.max(least, Math.round(share * labels.length))))
      }),
      { seed: 1 },
    )
  })

  it('moves a class by less than one picture from its share where every class is large', () => {
    const labels = Array.from({ length: 190 }, (_, i) => (i < 100 ? 0 : i < 157 ? 1 : 2))
    for (let count = 10; count < 180; count++) {
      const held = counts(split(numberedDataset(labels), { count }, testRng(count))[0])
      held.forEach((number, c) => {
        expect(Math.abs(number - (count * [100, 57, 33][c]!) / 190)).toBeLessThan(1)
      })
    }
  })

  it('draws any pictures where nothing is labelled, by the seed', () => {
    const plain = { ...dataset, classes: [], labels: [] }
    const held = (seed: number) => numbers(split(plain, { count: 20 }, testRng(seed))[0])
    expect(held(1)).toHaveLength(20)
    expect(held(1)).toEqual(held(1))
    expect(held(1)).not.toEqual(held(2))
  })

  it('refuses what would empty a class, and what is no share or count', () => {
    expect(() => split(dataset, { count: 2 }, testRng(0))).toThrow(
      'numbered: with at least 1 image of each class on both sides, from 3 to 57 of 60 images can be held out, got count 2',
    )
    expect(() => split(dataset, { count: 58 }, testRng(0))).toThrow('got count 58')
    expect(() => split(dataset, { count: 1.5 }, testRng(0))).toThrow('count must be an integer of at least 1, got 1.5')
    for (const share of [0, 1, 10, Number.NaN]) {
      expect(() => split(dataset, { share }, testRng(0))).toThrow(`share must be above 0 and below 1, got ${share}`)
    }
    for (const amount of [undefined, 0.2, {}, { share: 0.5, count: 3 }]) {
      expect(() => split(dataset, amount as never, testRng(0))).toThrow(
        'split needs { share } or { count } of the images to hold out, got ',
      )
    }
    expect(() => split(dataset, { share: 0.5 }, undefined as never)).toThrow('split needs a generator')
    expect(() => split(numberedDataset([0, 1, 2]), { share: 0.5 }, testRng(0))).toThrow('a split needs at least 2 images')
  })
})
