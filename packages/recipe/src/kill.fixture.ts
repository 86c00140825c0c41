import { createRng } from '@learngene/training'
import { diskMetrics } from './disk-metrics.js'
import { diskStore } from './disk-store.js'
import { killableStages } from './killable-stages.fixture.js'
import { lockRun } from './lock-run.js'
import { runStages } from './run-stages.js'

// A run to be killed: `node kill.fixture.js DIR`.
const dir = process.argv[2]!
const lock = await lockRun(dir)
console.log('running')
await runStages(killableStages(), { store: diskStore(dir), metrics: diskMetrics(dir), rng: createRng(0), checkpointEvery: 1 })
await lock.release()
