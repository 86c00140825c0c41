import { describe, expect, it } from 'vitest'
import { numberedDataset, numbers } from './dataset.fixture.js'
import { testRng } from './rng.fixture.js'
import { splitBalanced } from './split.js'

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
    expect(() => splitBalanced(dataset, 0, testRng(0))).toThrow('count must be an integer of at least 1, got 0')
  })
})
