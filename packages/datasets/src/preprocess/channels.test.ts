import { expect, it } from 'vitest'
import { inChannels } from './channels.js'

const image = (channels: number, ...data: number[]) => ({ data: Uint8Array.from(data), height: 1, width: data.length / channels, channels })

it.each([
  ['grey stays', image(1, 5, 9), 1, image(1, 5, 9)],
  ['grey becomes three equal channels', image(1, 5, 9), 3, image(3, 5, 5, 5, 9, 9, 9)],
  ['grey with alpha too', image(2, 5, 0, 9, 255), 3, image(3, 5, 5, 5, 9, 9, 9)],
  ['colours become grey as Pillow makes them', image(3, 255, 0, 0, 10, 20, 30), 1, image(1, 76, 18)],
  ['alpha is dropped', image(4, 1, 2, 3, 0), 3, image(3, 1, 2, 3)],
])('%s', (_, given, channels, expected) => {
  expect(inChannels(given, channels)).toEqual(expected)
})

it('leaves a picture alone that is right, and makes no others', () => {
  const right = image(3, 1, 2, 3)
  expect(inChannels(right, 3)).toBe(right)
  expect(() => inChannels(right, 2)).toThrow('pictures can be brought to 1 or 3 channels, got 3 for 2')
})
