import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

export interface KillOptions {
  readonly command: string
  /** Arguments that make the command run in this folder, and go on where an earlier run of it in the same folder was. */
  readonly args: (dir: string) => readonly string[]
  readonly env?: { readonly [name: string]: string }
  /** An empty folder for the runs. */
  readonly dir: string
  /** Runs that are killed before they end. */
  readonly kills: number
  readonly seed: number
  /** Is called after each kill, on what the killed run has left, and after each run that ends. Throws where that is not as it should be. */
  readonly check?: (dir: string) => Promise<void>
  /** What must be the same after every run that ends, whatever happened before: hashes of files. */
  readonly outcome: (dir: string) => Promise<unknown>
}

export interface KillReport {
  readonly kills: number
  /** Runs that were killed at least once and then ended. */
  readonly resumed: number
  /** Of the undisturbed run: milliseconds until it first printed something, and from then on. */
  readonly start: number
  readonly duration: number
}

/**
 * Runs a command undisturbed; then again and again, each time in a new folder, kills it (SIGKILL) up to five times at moments drawn over
 * its duration, and lets it end. Moments are counted from when the command first prints something, as before that it has only been loaded.
 *
 * @throws Error when a run fails or hangs, when `check` throws, or when an outcome is not that of the undisturbed run; it names the folder,
 * the moments and the seed
 */
export async function killAndResume(options: KillOptions): Promise<KillReport> {
  const { dir, kills, seed, check = async () => {}, outcome } = options
  const uniform = mulberry32(seed)
  const undisturbed = await run(options, join(dir, 'undisturbed'))
  await check(join(dir, 'undisturbed'))
  const expected = await outcome(join(dir, 'undisturbed'))
  let killed = 0
  let resumed = 0
  for (let round = 0; killed < kills; round++) {
    if (round > 20 * kills)
      throw new Error(`killAndResume: ${round} runs have ended before they could be killed; make the command's work longer`)
    const folder = join(dir, `round-${round}`)
    const moments: number[] = []
    const where = () => `killAndResume: seed ${seed}, ${folder}, killed after [${moments.map((each) => each.toFixed(1)).join(', ')}] ms`
    try {
      const most = Math.min(1 + Math.floor(uniform() * 5), kills - killed)
      while (moments.length < most) {
        const moment = uniform() * undisturbed.duration
        const { ended } = await run(options, folder, moment)
        if (!ended) moments.push(moment)
        await check(folder)
        if (ended) break
      }
      await run(options, folder)
      await check(folder)
    } catch (error) {
      throw new Error(`${where()}: ${(error as Error).message}`, { cause: error })
    }
    const found = await outcome(folder)
    if (!isDeepStrictEqual(found, expected)) {
      throw new Error(
        `${where()}: the outcome must be that of the undisturbed run, ${JSON.stringify(expected)}; got ${JSON.stringify(found)}`,
      )
    }
    killed += moments.length
    if (moments.length > 0) resumed++
  }
  return { kills: killed, resumed, start: undisturbed.start, duration: undisturbed.duration }
}

/** Nothing that is killed at random takes as long. */
const hangsAfterMs = 240_000

/** Runs the command until it ends, or is killed `moment` milliseconds after it first printed something. */
async function run(
  { command, args, env }: KillOptions,
  dir: string,
  moment?: number,
): Promise<{ ended: boolean; start: number; duration: number }> {
  const began = performance.now()
  // In a group of its own, so that what it starts is killed with it.
  const child = spawn(command, args(dir), { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const kill = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // It has just ended.
    }
  }
  let first = Number.NaN
  let output = ''
  const timers: NodeJS.Timeout[] = [setTimeout(kill, hangsAfterMs)]
  const listen = (text: string) => {
    output = `${output}${text}`.slice(-4000)
  }
  const begin = (text: string) => {
    listen(text)
    if (!Number.isNaN(first)) return
    first = performance.now()
    if (moment !== undefined) timers.push(setTimeout(kill, moment))
  }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', begin)
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  for (const timer of timers) clearTimeout(timer)
  const end = performance.now()
  if (signal === 'SIGKILL' && moment !== undefined && end - began < hangsAfterMs)
    return { ended: false, start: first - began, duration: end - first }
  if (code !== 0) throw new Error(`the command ended with ${code ?? signal}: ${output.trim()}`)
  return { ended: true, start: first - began, duration: end - first }
}

/** Numbers in [0, 1). Source: Tommy Ettinger's mulberry32. */
function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
