import { join } from 'node:path'
import { packageRoot } from './package-root.js'

/** The file of PyTorch's numbers for a small ViT of timm that comes with this package. */
export const embeddedReference = join(packageRoot, 'reference', 'timm-vit-golden.safetensors')
