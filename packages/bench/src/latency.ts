export {
  type MeasureOptions,
  measureNetworks,
  type NamedNetwork,
  type ProfileOptions,
  profileNetworks,
  type TimedCascade,
} from './latency/measure.js'
export { type Part, partsOf } from './latency/parts.js'
export {
  type CheckedNetwork,
  type CompositionError,
  composeCascade,
  composeLatency,
  compositionError,
  deviceText,
  type LatencyProfile,
  type ProfiledDevice,
  parseProfile,
  type Timing,
  type WholeTiming,
} from './latency/profile.js'
