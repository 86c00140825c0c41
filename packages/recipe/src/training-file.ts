import type { TrainingCheckpoint } from '@learngene/training'
import { encodeSafetensors, type NamedFloatTensor, openSafetensors, readAllFloat32 } from '@learngene/vit-blocks'

type Stored = TrainingCheckpoint['parameters'][string]

/** A training's state as a safetensors file. */
export function encodeTraining({ step, parameters, optimizer, losses, evaluations = [], best = {} }: TrainingCheckpoint): Uint8Array {
  const tensors: NamedFloatTensor[] = [{ name: 'losses', shape: [losses.length], data: losses }]
  const add = (prefix: string, all: { readonly [name: string]: Stored }) => {
    for (const [name, { shape, data }] of Object.entries(all)) tensors.push({ name: `${prefix}/${name}`, shape, data })
  }
  add('parameters', parameters)
  add('best', best)
  for (const [name, { tensors: slot }] of Object.entries(optimizer)) add(`optimizer/${name}`, slot)
  const steps = Object.fromEntries(Object.entries(optimizer).map(([name, { steps }]) => [name, steps]))
  return encodeSafetensors(tensors, { metadata: { training: JSON.stringify({ step, steps, evaluations }) } })
}

/** @throws Error when the bytes are not of {@link encodeTraining} */
export async function decodeTraining(bytes: Uint8Array, name = 'checkpoint'): Promise<TrainingCheckpoint> {
  const file = await openSafetensors(bytes, { name })
  const { step, steps, evaluations } = JSON.parse(file.metadata.training ?? '{}') as {
    step: number
    steps: { readonly [parameter: string]: number }
    evaluations: TrainingCheckpoint['evaluations']
  }
  const values = await readAllFloat32(file, Object.fromEntries(Array.from(file.tensors, ([tensor, { shape }]) => [tensor, shape])))
  const within = (prefix: string): { [name: string]: Stored } => {
    const found = [...values].filter(([name]) => name.startsWith(`${prefix}/`))
    return Object.fromEntries(found.map(([name, { shape, data }]) => [name.slice(prefix.length + 1), { shape: [...shape], data }]))
  }
  const optimizer = Object.entries(steps).map(([name, count]) => [name, { steps: count, tensors: within(`optimizer/${name}`) }] as const)
  const best = within('best')
  return {
    step,
    parameters: within('parameters'),
    optimizer: Object.fromEntries(optimizer),
    losses: values.get('losses')!.data,
    ...(evaluations!.length > 0 && { evaluations }),
    ...(Object.keys(best).length > 0 && { best }),
  }
}
