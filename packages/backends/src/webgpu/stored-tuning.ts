import { tuningFile, useTuning } from '@learngene/ops/webgpu'
import { firstLine } from '../import-package.js'
import { type TuningStore, tuningStore } from './tuning-store.js'

/**
 * Has the current webgpu backend use the table that is kept for its adapter. One that cannot be read, is damaged or was measured with other kernels is left alone, and a
 * warning says so.
 *
 * @returns whether there was one that is used
 */
export async function useStoredTuning(store: TuningStore | undefined = tuningStore()): Promise<boolean> {
  if (!store) return false
  const name = tuningFile()
  const leave = (error: unknown, remedy: string) => {
    console.warn(`@learngene/backends: the measured plans ${name} in ${store.place} are not used: ${firstLine(error)}; ${remedy}`)
    return false
  }
  let text: string | undefined
  try {
    text = await store.read(name)
  } catch (error) {
    return leave(error, store.remedy)
  }
  if (text === undefined) return false
  try {
    useTuning(text)
    return true
  } catch (error) {
    return leave(error, 'learngene tune measures them anew')
  }
}
