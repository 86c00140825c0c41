import { equalBytes } from '../webgpu/pack.js'
import type { Capture } from './capture.js'
import type { GraphNode } from './graph.js'
import type { Outside } from './recorder.js'

/** Says how two runs of a step differ, or undefined where they do the same; a recording would repeat one of them for ever. */
export function differenceOf(a: Capture, b: Capture): string | undefined {
  const [operations, others] = [a, b].map(({ nodes }) => nodes.filter(({ kind }) => kind === 'operation').length)
  if (operations !== others) return `${operations} native operations the first time, ${others} the second`
  if (a.nodes.length !== b.nodes.length) return 'it makes more values on the host one time than the other'
  const changed = a.nodes.findIndex((node, i) => !sameNode(node, b.nodes[i]!))
  if (changed >= 0) return differs(a.nodes[changed]!)
  if (a.outside.length !== b.outside.length || !a.outside.every((each, i) => sameOutside(each, b.outside[i]!)))
    return 'it uses other tensors from outside the second time'
  if (JSON.stringify(a.outputs) !== JSON.stringify(b.outputs)) return 'it returns other tensors the second time'
  const assigned =
    a.assigned.length === b.assigned.length &&
    a.assigned.every(({ variable, source }, i) => {
      const other = b.assigned[i]!
      return variable === other.variable && same(source, other.source)
    })
  return assigned ? undefined : 'it assigns to other variables the second time'
}

const differs = (node: GraphNode) =>
  node.kind === 'constant'
    ? 'values made on the host are others the second time'
    : `the native operation ${node.name} has other attributes or inputs the second time`

function sameNode(a: GraphNode, b: GraphNode): boolean {
  if (a.kind === 'operation') return same(a, b)
  if (b.kind === 'operation') return false
  const { content, ...rest } = a
  const { content: other, ...others } = b
  return same(rest, others) && equalBytes(content, other)
}

const sameOutside = (a: Outside, b: Outside) => a.variable === b.variable && (a.variable !== undefined || a.dataId === b.dataId)

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
