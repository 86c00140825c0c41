import { expect, it } from 'vitest'
import { dequantiseRows, quantiseRows } from './int8.js'

it('gives each row a scale of its own, by which its largest magnitude is 127', () => {
  const { values, scales } = quantiseRows(Float32Array.of(1, -0.6, 0.004, 200, 100, -200), 2)
  expect([...values]).toEqual([127, -76, 1, 127, 64, -127])
  expect([...scales]).toEqual([Math.fround(1 / 127), Math.fround(200 / 127)])
})

it('keeps rows of zeros, and rows so small that their scale is zero, as zeros', () => {
  const { values, scales } = quantiseRows(Float32Array.of(0, 0, 1e-45, 0), 2)
  expect([[...values], [...scales]]).toEqual([
    [0, 0, 0, 0],
    [0, 0],
  ])
})

it('is undone to half a scale, and whole multiples of the scale exactly', () => {
  const data = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i * i) * (1 + Math.floor(i / 100)))
  const rows = quantiseRows(data, 3)
  const back = dequantiseRows(rows)
  back.forEach((value, i) => {
    expect(Math.abs(value - data[i]!)).toBeLessThanOrEqual(0.5001 * rows.scales[Math.floor(i / 100)]!)
  })
  expect(dequantiseRows(quantiseRows(back, 3))).toEqual(back)
})
