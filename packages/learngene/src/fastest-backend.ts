import { type BackendName, useBackend } from '@learngene/backends'
import { measureLatency } from '@learngene/budget-search'
import type { Reporter } from '@learngene/interfaces'
import { forward, type Network, sidesOf } from '@learngene/vit-blocks'
import { type Tensor4D, zeros } from '@tensorflow/tfjs-core'

/** Measuring all backends takes some seconds: worth it where the work takes several times that, in ms. */
const WORTHWHILE_MS = 20_000

interface Work {
  readonly network: Network
  /** Images per call. */
  readonly batch: number
  readonly calls: number
}

/**
 * Lets long work go on on the backend that is fastest for this very network, where the user has left the choice to `auto`. Short work stays where it is.
 *
 * @param worthwhileMs what the work must take at least on the current backend
 */
export async function takeFastestBackend(
  asked: BackendName | 'auto',
  { network, batch, calls }: Work,
  report: Reporter,
  worthwhileMs = WORTHWHILE_MS,
): Promise<void> {
  if (asked !== 'auto') return
  const ms = await callMs(network, batch)
  if (ms * calls < worthwhileMs) return
  report({ kind: 'stage', name: 'measure which backend is fastest for this model' })
  const { name, measured = [] } = await useBackend('auto', { measure: network, batch })
  const times = measured.map((each) => `${each.name} ${Number(each.ms.toPrecision(3))} ms`).join(', ')
  report({ kind: 'message', text: `computes on ${name}: of a batch of ${batch} take ${times}` })
}

/** The second of two calls: the first compiles kernels. */
async function callMs(network: Network, batch: number): Promise<number> {
  const { imageSize, channels } = network.embedding.geometry
  const images = zeros([batch, ...sidesOf(imageSize), channels]) as Tensor4D
  const call = async () => {
    const { logits } = forward(network, images)
    await logits.data()
    logits.dispose()
  }
  try {
    const { median } = await measureLatency(call, { warmup: 1, runs: 1 })
    return median
  } finally {
    images.dispose()
  }
}
