import { integerIn, numberIn } from '../config.js'
import { describe, describeList } from '../safetensors/errors.js'
import { isRecord } from '../safetensors/header.js'
import { SafetensorsError, type SafetensorsFile } from '../safetensors/index.js'
import type { SquareViTConfig } from '../vit.js'

/** Arguments of timm's VisionTransformer with only one value that this check runs. */
const fixed: { readonly [key: string]: unknown } = { qkv_bias: true, class_token: true, global_pool: 'token' }

const known = ['img_size', 'patch_size', 'in_chans', 'num_classes', 'embed_dim', 'depth', 'num_heads', 'mlp_ratio', ...Object.keys(fixed)]

/**
 * The network that a reference is about: the arguments of timm's VisionTransformer as JSON in the file's metadata under `config`.
 *
 * @throws SafetensorsError when the config is missing, is no JSON object, or has a key or value that is not understood
 */
export function referenceConfig(file: Pick<SafetensorsFile, 'name' | 'metadata' | 'tensors'>): SquareViTConfig {
  try {
    return parseConfig(file)
  } catch (error) {
    throw new SafetensorsError(`${file.name}: metadata 'config': ${(error as Error).message}`)
  }
}

function parseConfig({ metadata, tensors }: Pick<SafetensorsFile, 'metadata' | 'tensors'>): SquareViTConfig {
  const text = Object.hasOwn(metadata, 'config') ? metadata.config : undefined
  if (text === undefined) {
    throw new Error(
      `a reference must describe its network, as in {"img_size":32,"patch_size":8,"embed_dim":48,"depth":3,"num_heads":3,"num_classes":10}; the file has no such entry`,
    )
  }
  const config: unknown = JSON.parse(text)
  if (!isRecord(config)) throw new Error(`it must be a JSON object; got ${describe(config)}`)
  const unknown = Object.keys(config).filter((key) => !known.includes(key))
  if (unknown.length > 0) throw new Error(`its keys may be ${known.join(', ')}; got ${describeList(unknown.map(describe))}`)
  for (const [key, value] of Object.entries(fixed)) {
    if (Object.hasOwn(config, key) && config[key] !== value) {
      throw new Error(`'${key}' must be ${describe(value)}, which is all that is checked; got ${describe(config[key])}`)
    }
  }
  const depth = integerIn(config, 'depth')
  if (depth > tensors.size) throw new Error(`'depth' must be at most the number of the file's tensors, ${tensors.size}; got ${depth}`)
  return {
    imageSize: integerIn(config, 'img_size'),
    patchSize: integerIn(config, 'patch_size'),
    channels: integerIn(config, 'in_chans', 3),
    classes: integerIn(config, 'num_classes'),
    width: integerIn(config, 'embed_dim'),
    depth,
    heads: integerIn(config, 'num_heads'),
    mlpRatio: numberIn(config, 'mlp_ratio', 4),
  }
}
