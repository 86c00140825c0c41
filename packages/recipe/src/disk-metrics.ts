import { appendFile, mkdir, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { failOnDisk, ignoreMissing } from './disk-errors.js'
import { joined } from './joined.js'
import { folderOf } from './manifest.js'
import { createMetricsLog, decodeMetrics, encodeMetrics, type KeptMetrics, type MetricsLog } from './metrics.js'
import { eventFileStart, eventRecords } from './tensorboard.js'

/** The file of a run's folder that holds its numbers, one JSON object a line: `{"stage", "step", "time", "values"}`. */
export const METRICS = 'metrics.jsonl'

/** The folder that TensorBoard is pointed at: an event file for each stage, in a folder of the stage's. */
export const TENSORBOARD = 'tensorboard'

/**
 * Numbers in a run's folder, as {@link METRICS} and for TensorBoard. Lines are appended as they come; one that a killed process left
 * half-written is cut off by `rewind`, which also writes a stage's event file anew from the lines.
 */
export function diskMetrics(dir: string): MetricsLog {
  const path = join(dir, METRICS)
  const board = (stage: string) => join(dir, TENSORBOARD, folderOf(stage))
  /** Of the stages that this process has written about. */
  const eventFiles = new Map<string, string>()
  let whole = false

  const read = async () => decodeMetrics((await readFile(path, 'utf8').catch(ignoreMissing)) ?? '')

  /** Makes the event file of a stage anew. */
  async function writeEvents(stage: string, lines: readonly KeptMetrics[]): Promise<void> {
    eventFiles.delete(stage)
    await rm(board(stage), { recursive: true, force: true })
    if (lines.length === 0) return
    await mkdir(board(stage), { recursive: true })
    const { time } = lines[0]!
    const file = join(board(stage), `events.out.tfevents.${String(Math.floor(time)).padStart(10, '0')}.${hostname()}`)
    await writeFile(file, joined([eventFileStart(time), eventRecords(lines)]))
    eventFiles.set(stage, file)
  }

  /** Cuts off half a line at the end, to which the next would be added. */
  async function makeWhole(): Promise<void> {
    await mkdir(dir, { recursive: true })
    const bytes = (await readFile(path).catch(ignoreMissing)) ?? Buffer.alloc(0)
    const end = bytes.lastIndexOf('\n') + 1
    if (end < bytes.length) await truncate(path, end)
    whole = true
  }

  async function append(lines: readonly KeptMetrics[]): Promise<void> {
    if (!whole) await makeWhole()
    await appendFile(path, encodeMetrics(lines))
    for (const stage of new Set(lines.map(({ stage }) => stage))) {
      const ofStage = (all: readonly KeptMetrics[]) => all.filter((line) => line.stage === stage)
      const file = eventFiles.get(stage)
      if (file === undefined) await writeEvents(stage, ofStage(await read()))
      else await appendFile(file, eventRecords(ofStage(lines)))
    }
  }

  async function sync(): Promise<void> {
    const file = await open(path, 'r+').catch(ignoreMissing)
    try {
      await file?.sync()
    } finally {
      await file?.close()
    }
  }

  async function replace(lines: readonly KeptMetrics[], stage: string): Promise<void> {
    await mkdir(dir, { recursive: true })
    await writeFile(`${path}.new`, encodeMetrics(lines), { flush: true })
    await rename(`${path}.new`, path)
    await writeEvents(
      stage,
      lines.filter((line) => line.stage === stage),
    )
  }

  const guard = <T>(work: Promise<T>): Promise<T> => work.catch((error) => failOnDisk(path, error))
  return createMetricsLog({
    eager: true,
    append: (lines) => guard(append(lines)),
    sync: () => guard(sync()),
    read: () => guard(read()),
    replace: (lines, stage) => guard(replace(lines, stage)),
  })
}
