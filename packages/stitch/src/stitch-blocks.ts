import type { BlockRegistry } from '@learngene/interfaces/tensors'
import { createLoraStitch } from './lora-stitch.js'
import { createStitch } from './stitch-block.js'

/** For `loadModel` of vit-blocks and others that build blocks by kind. */
export const stitchBlocks: BlockRegistry = { stitch: createStitch, loraStitch: createLoraStitch }
