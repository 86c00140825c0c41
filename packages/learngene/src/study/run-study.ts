import { join } from 'node:path'
import { oneLine } from '../errors.js'
import { runUnit } from '../units/run-unit.js'
import { readUnits, type UnitOptions } from '../units/unit-file.js'
import { readStudy, UNITS } from './study-folder.js'

/** What came of running a study. */
export interface StudyRun {
  readonly units: number
  /** Of them, those that ran now. */
  readonly ran: number
  /** Those that failed, and those that read what a failed one would have made. */
  readonly failed: number
}

/**
 * Runs all units of a study here, one after the other; what stands is not made again. One that fails is reported, and all that do not need it run: a night is not lost. Several may do so at
 * once, on as many machines as see the folder.
 */
export async function runStudy(dir: string, options: UnitOptions): Promise<StudyRun> {
  await readStudy(dir)
  const file = join(dir, UNITS)
  const units = await readUnits(file, `plan the study again: npx learngene study plan ${dir}`)
  const missing = new Set<string>()
  let [ran, failed] = [0, 0]
  for (const [index, { stage, cell, key, inputs }] of units.entries()) {
    options.signal.throwIfAborted()
    const { backend, ...others } = options
    const name = `unit ${index} of 0 to ${units.length - 1}: ${stage} of ${cell}`
    const fail = (reason: string) => {
      failed += 1
      missing.add(key)
      options.report({ kind: 'message', text: `${name} failed: ${reason}` })
    }
    const lacking = Object.entries(inputs).find(([, each]) => missing.has(each))
    if (lacking) {
      fail(`it needs '${lacking[0]}', which has failed`)
      continue
    }
    options.report({ kind: 'message', text: name })
    const own = backend === 'auto' ? {} : { backend }
    try {
      if ((await runUnit(file, index, { ...others, ...own })).ran) ran += 1
    } catch (error) {
      options.signal.throwIfAborted()
      fail(oneLine(error))
    }
  }
  return { units: units.length, ran, failed }
}
