import { constants } from 'node:fs'
import { access, readFile, stat, statfs } from 'node:fs/promises'
import { availableParallelism, cpus, freemem, tmpdir, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { tensorFlowDirectory } from '@learngene/backends'
import { hubEnvironment, importHubClient, proxyFetch } from '@learngene/vit-blocks/node'
import manifest from '../../package.json' with { type: 'json' }
import { oneLine } from '../errors.js'
import { thisPlatform } from '../install-tensorflow/assert-platform.js'

type Environment = { readonly [variable: string]: string | undefined }

export interface Machine {
  readonly node: { readonly version: string; readonly required: string; readonly supported: boolean }
  /** `Debian GNU/Linux 12 (bookworm), linux x64, glibc 2.36` */
  readonly platform: string
  readonly processor: { readonly model: string; readonly cores: number }
  /** In bytes; total is the container's where that has a limit. */
  readonly memory: { readonly total: number; readonly available: number }
  readonly disks: readonly Disk[]
  /** Whether a thread of Node's shares memory with this one; else why not. */
  readonly threads: { readonly works: boolean; readonly reason: string | null }
  readonly hub: Hub
  readonly proxies: Proxies
}

export interface Disk {
  /** What goes there. */
  readonly use: string
  readonly folder: string
  /** Of the folder, or of the next one above that exists. */
  readonly free: number
  readonly writable: boolean
  /** Number of the device; folders with the same one share their space. */
  readonly device: number
}

export interface Hub {
  readonly cache: string
  /** Whether `@huggingface/hub` is installed, which `hf:` addresses take. */
  readonly client: boolean
  readonly token: boolean
  readonly offline: boolean
  readonly endpoint: string | null
}

export interface Proxies {
  /** Variables that are set, without names and passwords. */
  readonly variables: { readonly [variable: string]: string }
  /** What is missing to use them; null where nothing is. */
  readonly missing: string | null
}

/** All that is known without computing. Never the hub's token itself. */
export async function describeMachine(env: Environment): Promise<Machine> {
  const hub = await describeHub(env)
  const folders = [
    ['working directory', process.cwd()],
    ['hub cache', hub.cache],
    ['TensorFlow', tensorFlowDirectory('tensorflow')],
    ['temporary files', tmpdir()],
  ] as const
  return {
    node: { version: process.versions.node, required: manifest.engines.node, supported: isSupported(process.versions.node) },
    platform: await platformText(),
    processor: { model: cpus()[0]?.model.replaceAll(/\s+/g, ' ').trim() || 'unknown', cores: availableParallelism() },
    memory: memory(),
    disks: await Promise.all(folders.map(([use, folder]) => diskOf(use, folder))),
    threads: await checkThreads(),
    hub,
    proxies: await describeProxies(env),
  }
}

/** Whether a version of Node is one of `^20.19 || >=22.12`. */
export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22
}

async function platformText(): Promise<string> {
  const { os, arch, glibc } = thisPlatform()
  const release = os === 'linux' ? await readFile('/etc/os-release', 'utf8').catch(() => '') : ''
  const name = /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(release)?.[1]
  return [name, `${os} ${arch}`, os === 'linux' ? (glibc === undefined ? 'no glibc' : `glibc ${glibc}`) : undefined]
    .filter(Boolean)
    .join(', ')
}

function memory(): Machine['memory'] {
  // A container without a limit has none of its own, or one beyond all memory.
  const limit = process.constrainedMemory()
  const total = limit > 0 && limit < totalmem() ? limit : totalmem()
  return { total, available: Math.min(total, 'availableMemory' in process ? process.availableMemory() : freemem()) }
}

async function diskOf(use: string, folder: string): Promise<Disk> {
  const place = await firstThatExists(folder)
  const [{ bavail, bsize }, { dev: device }] = await Promise.all([statfs(place), stat(place)])
  const writable = await access(place, constants.W_OK).then(
    () => true,
    () => false,
  )
  return { use, folder, free: bavail * bsize, writable, device }
}

async function firstThatExists(folder: string): Promise<string> {
  const exists = await stat(folder).then(
    () => true,
    () => false,
  )
  return exists || dirname(folder) === folder ? folder : firstThatExists(dirname(folder))
}

/** A thread that adds to a number in memory that it shares. */
const ADDING = `
const { workerData } = require('node:worker_threads')
Atomics.add(new Int32Array(workerData), 0, 1)
`

async function checkThreads(): Promise<Machine['threads']> {
  try {
    const shared = new SharedArrayBuffer(4)
    await new Promise<void>((resolve, reject) => {
      const thread = new Worker(ADDING, { eval: true, workerData: shared })
      thread.on('error', reject)
      thread.on('exit', () => resolve())
    })
    const works = new Int32Array(shared)[0] === 1
    return { works, reason: works ? null : 'a thread did not change the memory that it shares' }
  } catch (error) {
    return { works: false, reason: oneLine(error) }
  }
}

async function describeHub(env: Environment): Promise<Hub> {
  const { cacheDir, accessToken, offline, hubUrl } = await hubEnvironment(env)
  const client = await importHubClient().then(
    () => true,
    () => false,
  )
  return {
    cache: cacheDir,
    client,
    token: accessToken !== undefined,
    offline,
    endpoint: hubUrl === undefined ? null : withoutCredentials(hubUrl),
  }
}

const PROXY_VARIABLES = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY']

async function describeProxies(env: Environment): Promise<Proxies> {
  const variables = PROXY_VARIABLES.flatMap((name) => {
    const found = [name.toLowerCase(), name].find((each) => env[each])
    return found === undefined ? [] : [[found, name === 'NO_PROXY' ? env[found]! : withoutCredentials(env[found]!)]]
  })
  const { missing = null } = await proxyFetch(env).catch((error) => ({ missing: `it cannot be used: ${oneLine(error)}` }))
  return { variables: Object.fromEntries(variables), missing }
}

/** An address with `***` in place of a name and a password. */
export function withoutCredentials(address: string): string {
  return address.includes('@') ? address.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1***@') : address
}
