import type { Block } from '@learngene/interfaces/tensors'
import { type Network, requireArguments, runBlocks } from '@learngene/vit-blocks'
import { type Tensor2D, type Tensor3D, type Tensor4D, tidy } from '@tensorflow/tfjs-core'

/** Networks merged by the work they share: a node is one block run once for all networks below it. */
interface Branch {
  readonly children: Map<Block, Branch>
  /** Networks whose trunk ends here, by index. */
  readonly ends: number[]
}

/**
 * Runs many networks on the same images and runs what they share once: networks with the same embedding and the same front blocks
 * (by identity) go together as far as they go. Takes the memory of one network and its depth in activations.
 *
 * @param images [B, height, width, channels]
 * @param visit receives the logits [B, C] of network `index`; they are freed afterwards. Order is by shared work, not by index.
 */
export function forwardShared(networks: readonly Network[], images: Tensor4D, visit: (index: number, logits: Tensor2D) => void): void {
  for (const [embedding, root] of branchesOf(networks)) {
    tidy(() => walk(embedding.forward(images), root))
  }

  function walk(x: Tensor3D, branch: Branch): void {
    for (const index of branch.ends) tidy(() => visit(index, networks[index]!.head.forward(x)))
    for (const [block, child] of branch.children) tidy(() => walk(runBlocks([block], x), child))
  }
}

/** MACs of {@link forwardShared} for one image; their sum over the networks one by one is what it saves against. */
export function sharedMacs(networks: readonly Network[]): number {
  let macs = 0
  for (const [embedding, root] of branchesOf(networks)) {
    macs += embedding.macs()
    const count = (branch: Branch): void => {
      for (const index of branch.ends) macs += networks[index]!.head.macs(embedding.tokens)
      for (const [block, child] of branch.children) {
        macs += block.macs(embedding.tokens)
        count(child)
      }
    }
    count(root)
  }
  return macs
}

function branchesOf(networks: readonly Network[]): Map<Network['embedding'], Branch> {
  requireArguments('forwardShared', { networks: ['network[]', networks] })
  const roots = new Map<Network['embedding'], Branch>()
  networks.forEach(({ embedding, blocks }, index) => {
    let branch = childOf(roots, embedding)
    for (const block of blocks) branch = childOf(branch.children, block)
    branch.ends.push(index)
  })
  return roots
}

function childOf<K>(branches: Map<K, Branch>, key: K): Branch {
  let branch = branches.get(key)
  if (!branch) {
    branch = { children: new Map(), ends: [] }
    branches.set(key, branch)
  }
  return branch
}
