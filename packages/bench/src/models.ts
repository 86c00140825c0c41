import { deit, type SquareViTConfig } from '@learngene/vit-blocks'

/** A model to time, its name in results, and how many images a step has where nobody says. */
export interface BenchModel {
  readonly name: string
  readonly config: SquareViTConfig
  readonly batch: number
}

const quickstart: SquareViTConfig = { imageSize: 28, patchSize: 7, channels: 1, width: 96, depth: 12, heads: 3, classes: 10 }

const MODELS: { readonly [name: string]: BenchModel } = {
  'deit-tiny': { name: 'deit-tiny', config: deit.tiny, batch: 4 },
  'deit-small': { name: 'deit-small', config: deit.small, batch: 4 },
  'deit-base': { name: 'deit-base', config: deit.base, batch: 4 },
  quickstart: { name: 'quickstart', config: quickstart, batch: 64 },
}

export const MODEL_NAMES = Object.keys(MODELS)

const REQUIRED = ['imageSize', 'patchSize', 'channels', 'width', 'depth', 'heads', 'classes'] as const
const OPTIONAL = ['mlpRatio', 'epsilon'] as const

/** The model of a name, or undefined. */
export const namedModel = (name: string): BenchModel | undefined => (Object.hasOwn(MODELS, name) ? MODELS[name] : undefined)

/**
 * A model of a configuration of `createViT`, such as `{"imageSize":28,"patchSize":7,"channels":1,"width":96,"depth":12,"heads":3,"classes":10}`.
 *
 * @throws with one line where a key is missing, unknown or has an impossible value
 */
export function modelOf(value: unknown): BenchModel {
  const config = checkConfig(value)
  const { imageSize, patchSize, channels, width, depth, heads } = config
  return { name: `vit ${imageSize}/${patchSize} c${channels} w${width} d${depth} h${heads}`, config, batch: 8 }
}

function checkConfig(value: unknown): SquareViTConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`a model's configuration must be an object with ${REQUIRED.join(', ')}; got ${JSON.stringify(value)}`)
  }
  const keys: readonly string[] = [...REQUIRED, ...OPTIONAL]
  const missing = REQUIRED.filter((key) => !Object.hasOwn(value, key))
  const unknown = Object.keys(value).filter((key) => !keys.includes(key))
  if (missing.length > 0 || unknown.length > 0) {
    const faults = [missing.length > 0 && `lacks ${missing.join(', ')}`, unknown.length > 0 && `has ${unknown.join(', ')}`]
    throw new Error(
      `a model's configuration must have ${REQUIRED.join(', ')} and may have ${OPTIONAL.join(', ')}; it ${faults.filter(Boolean).join(' and ')}`,
    )
  }
  const config = value as SquareViTConfig
  for (const key of REQUIRED) {
    if (!Number.isSafeInteger(config[key]) || config[key] < 1) {
      throw new Error(`a model's ${key} must be an integer of at least 1; got ${JSON.stringify(config[key])}`)
    }
  }
  for (const key of OPTIONAL) {
    const given = config[key]
    if (given !== undefined && !(typeof given === 'number' && given > 0)) {
      throw new Error(`a model's ${key} must be a positive number; got ${JSON.stringify(given)}`)
    }
  }
  checkDivides('imageSize', config.imageSize, 'patchSize', config.patchSize)
  checkDivides('width', config.width, 'heads', config.heads)
  if (!Number.isInteger(config.width * (config.mlpRatio ?? 4))) {
    throw new Error(`a model's width times mlpRatio must be an integer; got ${config.width} times ${config.mlpRatio}`)
  }
  return config
}

function checkDivides(whole: string, value: number, part: string, divisor: number): void {
  if (value % divisor > 0) throw new Error(`a model's ${whole} must divide by its ${part}; got ${value} and ${divisor}`)
}
