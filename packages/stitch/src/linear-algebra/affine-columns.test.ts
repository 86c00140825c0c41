import { expect, it } from 'vitest'
import { columnsOfMap, mapOfColumns } from './affine-columns.js'
import { transpose } from './matrix.js'
import { uniformArray, uniformMatrix } from './testing.js'

const map = { inputs: 3, outputs: 2, weight: uniformArray(6, 1), bias: uniformArray(2, 2) }

it('stands the bias under the transposed weight', () => {
  const { weight: w, bias: b } = map
  expect([...columnsOfMap(map).data]).toEqual([w[0], w[3], w[1], w[4], w[2], w[5], b[0], b[1]])
})

it('comes back', () => {
  expect(mapOfColumns(columnsOfMap(map))).toEqual(map)
})

it('reads views', () => {
  const { weight, bias } = mapOfColumns(transpose(uniformMatrix(2, 4, 3)))
  const d = uniformArray(8, 3)
  expect([...weight, ...bias]).toEqual([d[0], d[1], d[2], d[4], d[5], d[6], d[3], d[7]])
})
