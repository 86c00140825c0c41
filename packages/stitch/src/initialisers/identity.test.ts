import { expect, it } from 'vitest'
import { uniformMatrix } from '../linear-algebra/testing.js'
import { identity } from './identity.js'
import { apply, denseProblem } from './testing.js'

it('passes features on', () => {
  const x = uniformMatrix(4, 6, 1)
  expect([...apply(identity(denseProblem([], undefined, 6, 6)), x).data]).toEqual([...x.data])
})

it('needs equal widths', () => {
  expect(() => identity(denseProblem([]))).toThrow('needs tiers of equal width, stitch w5d9>w7d9#0 maps width 5 to 7')
})
