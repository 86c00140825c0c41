import type { RawImage } from '@learngene/interfaces'
import { expect, it } from 'vitest'
import { cifarFile } from './cifar.fixture.js'
import { cifarDataset } from './cifar-dataset.js'

const options = { name: 'tiny', classes: ['a', 'b', 'c'] }

it('joins files and turns planes into pixels', () => {
  const files = [cifarFile([[2], [0]]), cifarFile([[1]])]
  const dataset = cifarDataset({ ...options, kind: 'cifar10', files })
  expect(dataset).toMatchObject({ length: 3, classes: ['a', 'b', 'c'], labels: Uint8Array.of(2, 0, 1) })
  const { data, height, width, channels } = dataset.picture(1) as RawImage
  expect([height, width, channels]).toEqual([32, 32, 3])
  expect([...data.subarray(0, 6)]).toEqual([255, 11, 12, 10, 11, 12])
  expect([...data.subarray(-3)]).toEqual([10, 11, 12])
})

it('takes one or the other label of CIFAR-100', () => {
  const files = [
    cifarFile([
      [0, 2],
      [1, 1],
    ]),
  ]
  expect(cifarDataset({ ...options, kind: 'cifar100', files }).labels).toEqual(Uint8Array.of(2, 1))
  const coarse = cifarDataset({ ...options, kind: 'cifar100-coarse', files })
  expect(coarse.labels).toEqual(Uint8Array.of(0, 1))
  expect([...(coarse.picture(1) as RawImage).data.subarray(0, 3)]).toEqual([255, 11, 12])
})

it.each([
  [{ files: [cifarFile([[0]]).subarray(1)] }, 'tiny: a file of cifar10 holds records of 3073 bytes, got 3072 bytes in file 0'],
  [{ files: [cifarFile([[0]]), new Uint8Array(0)] }, 'got 0 bytes in file 1'],
  [{ files: [cifarFile([[0, 1]])] }, 'got 3074 bytes in file 0; is it cut short, or of the other CIFAR?'],
  [{ files: [cifarFile([[3]])] }, 'tiny: labels must be below the number of classes, 3; label 0 is 3'],
  [{ files: [] }, 'tiny: a dataset needs at least 1 image'],
  [{ files: [], kind: 'cifar' as never }, 'tiny: kind must be one of cifar10, cifar100, cifar100-coarse, got cifar'],
])('refuses what is no such file: %#', (change, message) => {
  expect(() => cifarDataset({ ...options, kind: 'cifar10', ...change })).toThrow(message)
})
