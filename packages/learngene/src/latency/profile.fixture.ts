import { type LatencyProfile, partsOf } from '@learngene/bench/latency'
import type { Network } from '@learngene/vit-blocks'

/** A profile of a device that is not here, on which every part of the networks takes a millisecond. */
export function sampleProfile(networks: readonly Network[], change: Partial<LatencyProfile> = {}): LatencyProfile {
  const timing = { ms: 1, median: 1, interval: [1, 1] as const }
  return {
    schema: 1,
    backend: 'webgpu',
    version: '4.22.0',
    device: 'a phone',
    batch: 1,
    parts: Object.fromEntries(networks.flatMap(partsOf).map(({ key }) => [key, timing])),
    readBack: timing,
    overheadMs: 0.5,
    checked: [{ name: 'a', composedMs: 10, measuredMs: 10.2 }],
    ...change,
  }
}
