export { diskMetrics } from './disk-metrics.js'
export { diskStore } from './disk-store.js'
export { type LockOptions, lockRun, type RunLock } from './lock-run.js'
