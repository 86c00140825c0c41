import { json } from '@learngene/vit-blocks'

/** What a stage has cost, over all the runs that it took; work that was lost with a killed run is not in it. */
export interface Account {
  /** Images seen, each as often as it was. */
  readonly images: number
  /** Multiply-accumulates. */
  readonly macs: number
  /** Wall time. */
  readonly seconds: number
  /** Most memory of the process, in bytes; absent where the platform does not say. */
  readonly peakBytes?: number
}

/** An account that is being kept. */
export interface AccountKeeper {
  /** Adds work done. */
  add(work: { readonly images?: number; readonly macs?: number }): void
  /** As it stands. */
  current(): Account
}

/** Keeps an account that goes on from `before`, the clock running from now on. */
export function keepAccount(before: Account = { images: 0, macs: 0, seconds: 0 }): AccountKeeper {
  const start = performance.now()
  let { images, macs } = before
  return {
    add(work) {
      images += count(work.images ?? 0, 'account: images')
      macs += count(work.macs ?? 0, 'account: macs')
    },
    current() {
      const peakBytes = Math.max(before.peakBytes ?? 0, peakMemory() ?? 0)
      return { images, macs, seconds: before.seconds + (performance.now() - start) / 1000, ...(peakBytes > 0 && { peakBytes }) }
    },
  }
}

/** @throws Error when the value is no account */
export function readAccount(value: unknown, name: string): Account {
  const { images, macs, seconds, peakBytes } = json.object(value, name)
  const account = { images: count(images, `${name}.images`), macs: count(macs, `${name}.macs`), seconds: count(seconds, `${name}.seconds`) }
  return peakBytes === undefined ? account : { ...account, peakBytes: count(peakBytes, `${name}.peakBytes`) }
}

function count(value: unknown, what: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value < Infinity))
    throw new Error(`${what} must be a number of at least 0; got ${json.describe(value)}`)
  return value
}

/** Most memory that the process has had: of the whole process under Node, of the page's heap now in Chromium. */
function peakMemory(): number | undefined {
  const platform = globalThis as {
    readonly process?: { readonly resourceUsage?: () => { readonly maxRSS: number } }
    readonly performance: { readonly memory?: { readonly usedJSHeapSize: number } }
  }
  const kibibytes = platform.process?.resourceUsage?.().maxRSS
  return kibibytes === undefined ? platform.performance.memory?.usedJSHeapSize : kibibytes * 1024
}
