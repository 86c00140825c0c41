import { join } from 'node:path'
import { runUnit } from '../units/run-unit.js'
import { readUnits, type UnitOptions } from '../units/unit-file.js'
import { readStudy, UNITS } from './study-folder.js'

/**
 * Runs all units of a study here, one after the other; what stands is not made again. Several may do so at once, on as many machines as see the folder.
 *
 * @returns the number of units, and of those that ran now
 */
export async function runStudy(dir: string, options: UnitOptions): Promise<{ readonly units: number; readonly ran: number }> {
  await readStudy(dir)
  const file = join(dir, UNITS)
  const units = await readUnits(file, `plan the study again: npx learngene study plan ${dir}`)
  let ran = 0
  for (const [index, { stage, cell }] of units.entries()) {
    options.signal.throwIfAborted()
    const { backend, ...others } = options
    options.report({ kind: 'message', text: `unit ${index} of 0 to ${units.length - 1}: ${stage} of ${cell}` })
    const own = backend === 'auto' ? {} : { backend }
    if ((await runUnit(file, index, { ...others, ...own })).ran) ran += 1
  }
  return { units: units.length, ran }
}
