import { Option } from 'commander'
import { type Io, printJson } from '../io.js'
import { isPlainObject } from './schema.js'

export const configOption = () =>
  new Option(
    '--config <file>',
    'values in place of the default ones: JSON, or a module of TypeScript or JavaScript whose default export they are',
  )

export const printConfigOption = () => new Option('--print-config', 'print the configuration that would be used as JSON, and end')

/** Prints a configuration as JSON. What JSON has no form for is described: functions as `[function name]`, instances of classes as `[name]`. */
export function printConfig(io: Io, config: object): void {
  printJson(io, printable(config))
}

function printable(value: unknown): unknown {
  if (typeof value === 'function') return `[${['function', value.name].filter(Boolean).join(' ')}]`
  if (typeof value === 'bigint' || typeof value === 'symbol' || (typeof value === 'number' && !Number.isFinite(value))) return String(value)
  if (Array.isArray(value)) return value.map(printable)
  if (isPlainObject(value)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, printable(each)]))
  if (typeof value === 'object' && value !== null) return 'toJSON' in value ? value : `[${value.constructor.name}]`
  return value
}
