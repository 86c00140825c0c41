import type { Block } from '@learngene/interfaces/tensors'
import {
  createSpace,
  descendantOf,
  type PathSpace,
  type StitchedFamily,
  type StitchedPath,
  shapeOfTier,
  type Tier,
} from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { buildNetwork, createBlock, type Network, parametersOf, withoutWeights } from '@learngene/vit-blocks'
import { tensor, type Variable } from '@tensorflow/tfjs-core'
import { type FamilyManifest, tiersOf } from '../family.js'
import { unpackTensors } from '../wire.js'

/** A family that grows as its files come; all its networks share its tensors. */
export interface LiveFamily {
  readonly manifest: FamilyManifest
  /** With the tiers and stitches that are here. */
  readonly stitched: StitchedFamily & { readonly tiers: Tier[]; readonly stitches: Map<string, Block> }
  /** What came over the wire, to build everything again after the device is lost. */
  readonly kept: Map<string, Uint8Array>
}

/** A family without weights. */
export function openFamily(manifest: FamilyManifest, kept = new Map<string, Uint8Array>()): LiveFamily {
  const space = spaceOf(manifest)
  return { manifest, stitched: { tiers: [], space, stitches: new Map() }, kept }
}

function spaceOf({ space, tiers }: FamilyManifest): PathSpace {
  return withoutWeights(() => {
    const shapes = tiers.map(({ name, structure, standsFor }) =>
      shapeOfTier({ name, network: buildNetwork(structure), transformations: [], ...(standsFor && { standsFor }) }),
    )
    return createSpace(space, shapes)
  })
}

/** Makes a tier and its stitches of the bytes of its file. @throws where they are not those that the manifest describes */
export function addTier(family: LiveFamily, name: string, bytes: Uint8Array): void {
  const { manifest, stitched, kept } = family
  const { structure, standsFor, file } = manifest.tiers.find((tier) => tier.name === name)!
  const values = unpackTensors(bytes, file)
  const network = buildNetwork(structure)
  const stitches = new Map<string, Block>()
  const targets = new Map<string, Variable>(Object.entries(parametersOf(network)).map(([local, value]) => [`tier/${local}`, value]))
  for (const value of values) {
    const id = value.name.startsWith('stitch/') ? value.name.split('/')[1]! : undefined
    if (id === undefined || stitches.has(id)) continue
    const slot = [...stitched.space.stitchIds()].find((each) => each.id === id)
    if (!slot) throw new Error(`${file} must hold stitches of the family; it holds ${id}: build the page again`)
    const { kind, config } = manifest.stitch
    const widths = { inputWidth: widthOf(manifest, slot.fromTier), outputWidth: widthOf(manifest, slot.toTier) }
    const stitch = createBlock({ kind, config: { ...config, ...widths } }, createRng(0))
    stitches.set(id, stitch)
    for (const [local, parameter] of Object.entries(stitch.parameters)) targets.set(`stitch/${id}/${local}`, parameter)
  }
  for (const { name: key, shape, data } of values) {
    const target = targets.get(key)
    if (!target || String(target.shape) !== String(shape))
      throw new Error(`${file} does not fit the family's manifest at ${key}: build the page again`)
    assign(target, data)
    targets.delete(key)
  }
  if (targets.size > 0) throw new Error(`${file} lacks ${[...targets.keys()][0]}: build the page again`)
  stitched.tiers.push({ name, network, transformations: [], ...(standsFor && { standsFor }) })
  for (const [id, stitch] of stitches) stitched.stitches.set(id, stitch)
  kept.set(name, bytes)
}

const widthOf = ({ tiers }: FamilyManifest, name: string) => tiers.find((tier) => tier.name === name)!.structure.embeddingWidth

/** Gives a parameter new values. */
export function assign(parameter: Variable, data: Float32Array): void {
  const value = tensor(data, parameter.shape, 'float32')
  parameter.assign(value)
  value.dispose()
}

/** The stitched paths of a family by their texts. */
export function pathsOf({ stitched: { space } }: LiveFamily): Map<string, StitchedPath> {
  return new Map([...space.enumerate()].map((path) => [space.key(path), path]))
}

/** Whether all that a path needs is here. */
export function isHere({ stitched }: LiveFamily, path: string): boolean {
  return tiersOf(path).every((name) => stitched.tiers.some((tier) => tier.name === name))
}

/** The network of a path, which shares all tensors with the family. */
export const networkOf = ({ stitched }: LiveFamily, path: StitchedPath): Network => descendantOf(stitched, path)

/** The ancestor, or the widest tier that is here. */
export function largestOf({ manifest, stitched }: LiveFamily): Tier | undefined {
  const ancestor = manifest.tiers.find((tier) => tier.ancestor)
  const wanted = ancestor ?? manifest.tiers.at(-1)!
  return stitched.tiers.find(({ name }) => name === wanted.name)
}
