import { assertBackendName, BACKEND_NAMES, type BackendName } from './backend-names.js'
import { firstLine } from './import-package.js'
import { makeCurrent } from './initialise.js'
import { holdWeights, placeWeights, timeNetwork } from './measure.js'
import { serialise } from './serialise.js'
import type { BackendOptions, MeasurableNetwork, Starter } from './starter.js'
import { STARTERS } from './starters.js'

export interface UsedBackend {
  readonly name: BackendName
  /** Of the backend's package; for tensorflow and tensorflow-gpu of the TensorFlow library that runs. */
  readonly version: string
  /** The backends that `auto` passed over, in the order tried, and why. Empty where a backend was named. */
  readonly tried: readonly { readonly name: BackendName; readonly reason: string }[]
  /** What the network that was given to be measured took on each backend that ran it, in ms, the fastest first; absent where none was given. */
  readonly measured?: readonly { readonly name: BackendName; readonly ms: number }[]
}

/** Starts the first of `starters` that can run here and makes it current; the reasons of those before it come along. */
export async function useFirst(starters: readonly Starter[], options: BackendOptions): Promise<UsedBackend> {
  const tried: { name: BackendName; reason: string }[] = []
  for (const starter of starters) {
    try {
      await starter.assertAuto?.()
      return { ...(await take(starter, options)), tried }
    } catch (error) {
      tried.push({ name: starter.name, reason: firstLine(error) })
    }
  }
  throw new Error(`no backend can be started: ${tried.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}`)
}

/**
 * Runs a network on each of `starters` that can run here and makes the fastest current. Plain JavaScript, `cpu`, is tried where nothing else runs: it is
 * slower than wasm on any network, and a large one would take minutes.
 */
export async function useFastest(starters: readonly Starter[], network: MeasurableNetwork, options: BackendOptions): Promise<UsedBackend> {
  const held = await holdWeights(network)
  const tried: { name: BackendName; reason: string }[] = []
  const ran: { starter: Starter; ms: number }[] = []
  for (const starter of starters) {
    if (starter.name === 'cpu' && ran.length > 0) continue
    try {
      await starter.assertAuto?.()
      await take(starter, options)
      placeWeights(held)
      ran.push({ starter, ms: await timeNetwork(network, options) })
    } catch (error) {
      tried.push({ name: starter.name, reason: firstLine(error) })
    }
  }
  ran.sort((a, b) => a.ms - b.ms)
  const [fastest, ...slower] = ran
  if (!fastest) throw new Error(`no backend can run the network: ${tried.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}`)
  const taken = await take(fastest.starter, options)
  placeWeights(held)
  for (const { starter, ms } of slower) {
    tried.push({ name: starter.name, reason: `it takes ${msText(ms)} for this network, ${fastest.starter.name} ${msText(fastest.ms)}` })
  }
  return { ...taken, tried, measured: ran.map(({ starter, ms }) => ({ name: starter.name, ms })) }
}

const msText = (ms: number): string => `${Number(ms.toPrecision(3))} ms`

/** Starts a backend, loads the kernels that `@learngene/ops` has for it and makes it current. */
async function take(starter: Starter, options: BackendOptions): Promise<Pick<UsedBackend, 'name' | 'version'>> {
  const { name, engineName } = starter
  const { version } = await starter.start(options)
  await starter.loadKernels?.().catch((error) => {
    throw new Error(
      `the kernels that @learngene/ops has for it do not load (${firstLine(error)}); serve all files that the bundler has made`,
    )
  })
  await makeCurrent(engineName)
  await starter.prepare?.()
  return { name, version }
}

/**
 * Starts a backend, with the kernels that `@learngene/ops` has for it, and makes it the one that TensorFlow.js computes on. `auto` takes the first that can run here of tensorflow-gpu,
 * webgpu on a hardware adapter, tensorflow, wasm, cpu; with `options.measure` the fastest for that network. The backends' packages are optional peers, imported when they are tried; a backend
 * that is registered in the engine already is taken as it is. Calls wait for each other, and asking again for the current backend does
 * nothing, so options count only the first time.
 *
 * @throws where the name is unknown, or where the named backend (with `auto`: every backend) cannot be started here; the error says why in
 *   one line, and the backend that was current stays current.
 */
export function useBackend(name: BackendName | 'auto' = 'auto', options: BackendOptions = {}): Promise<UsedBackend> {
  return serialise(async () => {
    assertBackendName(name)
    const { measure, batch = 1 } = options
    if (!Number.isSafeInteger(batch) || batch < 1) throw new Error(`batch must be an integer of at least 1, got ${batch}`)
    if (measure !== undefined && name !== 'auto') throw new Error(`measure belongs to auto: got ${name}, which needs no choosing`)
    if (name === 'auto') {
      const starters = BACKEND_NAMES.map((each) => STARTERS[each])
      return measure === undefined ? useFirst(starters, options) : useFastest(starters, measure, options)
    }
    const taken = await take(STARTERS[name], options).catch((error) => {
      throw new Error(`the backend ${name} cannot be started: ${firstLine(error)}`)
    })
    return { ...taken, tried: [] }
  })
}
