import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import type { Machine } from '../results.js'

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? null,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    os: `${type()} ${release()} ${process.arch}`,
    engine: `node ${process.version}`,
    date: new Date().toISOString(),
  }
}
