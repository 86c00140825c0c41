import { dirname, resolve } from 'node:path'
import { runUnitOfRun } from '../run/program.js'
import { readUnit, type UnitLine, type UnitOptions } from './unit-file.js'

export interface RanUnit extends Pick<UnitLine, 'stage' | 'key' | 'cell'> {
  /** False where the artifact was there. */
  readonly ran: boolean
  readonly backend: string
  readonly workers: number
  readonly seconds: number
}

/**
 * Runs one unit of a file. Its artifact stands afterwards, whole; where it stood before, nothing is done. Others may run others, or the same one, which is then
 * made by whoever comes first.
 *
 * @param index of the unit, from 0
 * @throws UsageError where there is no such unit; Error of one line naming an input that does not stand, or what failed
 */
export async function runUnit(file: string, index: number, options: UnitOptions): Promise<RanUnit> {
  const started = performance.now()
  const unit = await readUnit(file, index)
  const { stage, key, cell } = unit
  const dir = resolve(dirname(resolve(file)), unit.of)
  const { backend = unit.backend ?? 'auto', workers = unit.workers, ...others } = options
  const computing = { ...others, backend, workers }
  const { ran, ...used } = await (cell === undefined
    ? runUnitOfRun({ ...computing, outDir: dir }, { stage, key })
    : (await import('../study/run-cell.js')).runCell(dir, unit, computing))
  return { stage, key, ...(cell !== undefined && { cell }), ran, ...used, seconds: (performance.now() - started) / 1000 }
}
