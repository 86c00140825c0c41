import { readdir, readFile } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { oneLine, UsageError } from '../errors.js'
import { packageRoot } from '../package-root.js'
import { withoutMark } from '../without-mark.js'
import { shown } from './check-config.js'
import { isPlainObject } from './schema.js'

/** This package, by its own name also where it is installed elsewhere, as by npx. */
const OWN_ENTRIES = { 'learngene/node': join(packageRoot, 'dist', 'node.js'), learngene: join(packageRoot, 'dist', 'index.js') }

/** In the working directory. */
export const CONFIG_FILES = ['ts', 'mts', 'js', 'mjs', 'json'].map((ending) => `learngene.config.${ending}`)

export interface LoadedConfig {
  /** As it was named, or found in the working directory. */
  readonly file: string
  readonly value: { readonly [key: string]: unknown }
}

/**
 * What a configuration file says: JSON, or a module of TypeScript or JavaScript whose default export is an object or a function that returns one or a promise of
 * one. Modules that it imports are those of the command, so a loss of its own computes on the command's TensorFlow.js.
 *
 * @param file relative to `cwd`; where it is undefined, `learngene.config.ts`, `.mts`, `.js`, `.mjs` or `.json` in `cwd`
 * @returns undefined where none is named and none is there
 * @throws UsageError in one line with the file's name and, where there is one, the line: it is missing, no JSON, no module, throws, ends the process, waits for nothing, or gives no object
 */
export async function loadConfig(file: string | undefined, cwd: string): Promise<LoadedConfig | undefined> {
  const named = file ?? (await findConfig(cwd))
  if (named === undefined) return undefined
  const path = resolve(cwd, named)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`the configuration ${named} cannot be read (${error.code ?? error.message})`)
  })
  const value =
    extname(path) === '.json' ? parseJson(withoutMark(text), named) : await whileThereIsWork(() => importModule(path, named), named)
  if (!isPlainObject(value)) throw new UsageError(`${named} must give an object of options, it gives ${shown(value)}`)
  return { file: named, value }
}

async function findConfig(cwd: string): Promise<string | undefined> {
  const entries = await readdir(cwd)
  const [found, ...others] = CONFIG_FILES.filter((name) => entries.includes(name))
  if (others.length === 0) return found
  throw new UsageError(
    `there must be one configuration, found ${[found, ...others].join(' and ')}; remove one, or name the one you mean with --config`,
  )
}

/**
 * What a module gives, which can neither end the process nor let it end: Node ends one without a word where nothing is left that a promise could wait for.
 *
 * @throws UsageError where it tries
 */
async function whileThereIsWork<T>(load: () => Promise<T>, name: string): Promise<T> {
  const { exit } = process
  let idle = () => {}
  const never = new Promise<never>((_, reject) => {
    idle = () =>
      reject(new UsageError(`${name} gives a promise that nothing will ever settle; give an object of options, or a promise of one`))
  })
  process.once('beforeExit', idle)
  process.exit = (code) => {
    throw new Error(`it must not end the process, and calls process.exit(${code ?? ''})`)
  }
  try {
    return await Promise.race([load(), never])
  } finally {
    process.exit = exit
    process.off('beforeExit', idle)
  }
}

async function importModule(path: string, name: string): Promise<unknown> {
  if (!/\.[mc]?[jt]s$/.test(path)) throw new UsageError(`a configuration must end in .ts, .mts, .js, .mjs or .json, got ${name}`)
  const { createJiti } = await import('jiti')
  const jiti = createJiti(import.meta.url, { fsCache: false, interopDefault: false, alias: OWN_ENTRIES })
  const module = await jiti.import<{ readonly default?: unknown }>(path).catch((error: unknown) => {
    throw importError(error, path, name)
  })
  if (module.default === undefined) {
    const others = Object.keys(module).filter((key) => key !== 'default')
    throw new UsageError(
      `${name} must have a default export, an object of options or a function that returns one; it exports ${others.join(', ') || 'nothing'}`,
    )
  }
  if (typeof module.default !== 'function') return module.default
  try {
    return await module.default()
  } catch (error) {
    throw thrown(error, path, name)
  }
}

/** What jiti says of a syntax error, in the file or in one that it imports. */
const SYNTAX_ERROR = /^ParseError:\s*(.*?)\s*\n\s*(.+):(\d+):\d+$/s

function importError(error: unknown, path: string, name: string): UsageError {
  const [, message, file, line] = SYNTAX_ERROR.exec((error as Error | undefined)?.message ?? '') ?? []
  if (message === undefined) return thrown(error, path, name)
  const place = file === path ? `${name}:${line}` : `${name}: ${file}:${line}`
  return new UsageError(`${place}: syntax error: ${message}`, { cause: error })
}

function thrown(error: unknown, path: string, name: string): UsageError {
  const stack = (error as Error | undefined)?.stack ?? ''
  const line = stack.split(path)[1]?.match(/^:(\d+)/)?.[1]
  return new UsageError(`${name}${line ? `:${line}` : ''}: it throws: ${oneLine(error)}`, { cause: error })
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const message = oneLine(error).replace(/ in JSON at position \d+( \(line \d+ column \d+\))?/, '')
    throw new UsageError(`${name}:${lineOfFault(text)}: must be JSON: ${message}`, { cause: error })
  }
}

/** The line at which a text stops being JSON: Node tells it from version 22 on, and not always. */
function lineOfFault(text: string): number {
  let at = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.test(text)
    if (found) at = pattern.lastIndex
    return found
  }
  const space = () => take(/[ \t\r\n]*/y)
  const token = (pattern: RegExp) => space() && take(pattern)
  const string = () => token(/"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-f]{4}))*"/iuy)
  const list = (end: RegExp, item: () => boolean): boolean => {
    if (token(end)) return true
    do if (!item()) return false
    while (token(/,/y))
    return token(end)
  }
  const value = (): boolean => {
    if (token(/\{/y)) return list(/\}/y, () => string() && token(/:/y) && value())
    if (token(/\[/y)) return list(/\]/y, value)
    return string() || token(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y)
  }
  value()
  space()
  return text.slice(0, at).split('\n').length
}
