import { variable, zeros } from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import { expect, test } from 'vitest'
import { TYPE } from './backend.js'
import type { Capture } from './capture.js'
import type { GraphNode } from './graph.js'
import { differenceOf } from './same-capture.js'

const operation = (name: string): GraphNode => ({ kind: 'operation', name, attributes: [], inputs: [], after: [] })
const constant = (...content: number[]): GraphNode => ({
  kind: 'constant',
  dtype: TYPE.bool,
  shape: [content.length],
  content: Uint8Array.from(content),
})
const capture = (more: Partial<Capture> = {}): Capture => ({
  nodes: [],
  inputs: [],
  outside: [],
  outputs: [],
  assigned: [],
  result: {},
  leaves: false,
  ...more,
})

test('equal runs do not differ', () => {
  const run = () => capture({ nodes: [operation('Add'), constant(1, 2)] })
  expect(differenceOf(run(), run())).toBeUndefined()
})

test('what differs is told', () => {
  const source = { kind: 'input', index: 0 } as const
  const [a, b] = [variable(zeros([1])), variable(zeros([1]))]
  const outside = (variable: typeof a) => ({ variable, dataId: variable.dataId, dtype: TYPE.float, shape: [1] })
  const cases: [Partial<Capture>, Partial<Capture>, string][] = [
    [{ nodes: [operation('Add')] }, {}, '1 native operations the first time, 0 the second'],
    [{ nodes: [operation('Add')] }, { nodes: [operation('Mul')] }, 'the native operation Add has other attributes or inputs'],
    [{ nodes: [constant(1)] }, { nodes: [constant(2)] }, 'values made on the host are others'],
    [{ nodes: [constant(1)] }, {}, 'it makes more values on the host one time'],
    [{ outside: [outside(a)] }, { outside: [outside(b)] }, 'it uses other tensors from outside'],
    [{ outputs: [{ source, shape: [1], dtype: 'float32' }] }, {}, 'it returns other tensors'],
    [{ assigned: [{ variable: a, source }] }, { assigned: [{ variable: b, source }] }, 'it assigns to other variables'],
  ]
  for (const [first, second, difference] of cases) expect(differenceOf(capture(first), capture(second))).toContain(difference)
  a.dispose()
  b.dispose()
})
