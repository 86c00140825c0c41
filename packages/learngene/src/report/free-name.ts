import { existsSync } from 'node:fs'
import { extname } from 'node:path'

/** A name that nothing has yet, for the output of a command that is shown: `small.safetensors`, else `small-2.safetensors` and so on. */
export function freeName(name: string): string {
  const ending = extname(name)
  const stem = name.slice(0, name.length - ending.length)
  let [free, count] = [name, 1]
  while (existsSync(free)) {
    count += 1
    free = `${stem}-${count}${ending}`
  }
  return free
}
