import { mkdir, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type TensorFlowName, tensorFlowDirectory } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import { replaceFolder } from '@learngene/vit-blocks/node'
import { oneLine } from '../errors.js'
import { assertNvidia, assertPlatform, thisPlatform } from './assert-platform.js'
import { build } from './build.js'
import { assertCompiler } from './compile-addon.js'
import { findPip } from './download-wheel.js'
import { assertFreeSpace } from './free-space.js'
import { readInstallation } from './installation.js'
import { VARIANTS, type Variant } from './variant.js'
import { type Verification, verifyInstallation } from './verify-installation.js'
import { openWheel, type Wheel } from './wheel.js'

export interface InstallOptions {
  readonly gpu?: boolean
  /** A wheel's path; default: pip downloads one. */
  readonly wheel?: string
  readonly signal: AbortSignal
  readonly report: Reporter
}

export interface Installed extends Verification {
  readonly backend: TensorFlowName
  /** Distribution and version of the wheel. */
  readonly wheel: string
  readonly directory: string
  /** Whether it was built now; false where it was there and works. */
  readonly built: boolean
}

/**
 * Makes `tensorflow` or `tensorflow-gpu` usable: builds tfjs-node's addon from the published package against the libraries of a TensorFlow
 * wheel, and runs the reference check on it. One that is there and passes the check is left as it is.
 *
 * @throws where something that is needed is missing, which the error names, or where what was built does not pass the check
 */
export async function installTensorFlow({ gpu = false, wheel: file, signal, report }: InstallOptions): Promise<Installed> {
  assertPlatform(thisPlatform())
  const variant = VARIANTS[gpu ? 'tensorflow-gpu' : 'tensorflow']
  const directory = tensorFlowDirectory(variant.name)
  const wheel = file === undefined ? undefined : await openFor(variant, resolve(file))
  try {
    const working = await checkExisting(variant, directory, wheel, { signal, report })
    if (working) return working
    if (gpu) assertNvidia()
    await assertCompiler({ signal })
    const pip = wheel === undefined || gpu ? await findPip({ signal }) : undefined
    await mkdir(dirname(directory), { recursive: true })
    const { space } = variant
    await assertFreeSpace(dirname(directory), (wheel?.libraryBytes ?? space.wheel + space.libraries) + space.rest)
    const project = dirname(dirname(dirname(directory)))
    await replaceFolder(directory, (staging) => build(staging, { variant, project, wheel, pip, signal, report }))
  } finally {
    wheel?.close()
  }
  report({ kind: 'stage', name: 'checking the backend against the reference' })
  try {
    return await verified(variant, directory, true, signal)
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    throw new Error(`TensorFlow was built and then removed, because the check of it failed: ${oneLine(error)}`, { cause: error })
  }
}

async function openFor(variant: Variant, file: string): Promise<Wheel> {
  const wheel = await openWheel(file)
  if (variant.wheelNames.includes(wheel.name)) return wheel
  wheel.close()
  throw new Error(`${variant.name} needs a wheel of ${variant.wheelNames.join(' or ')}, and ${file} is one of ${wheel.name}`)
}

/** What is installed, where it came from the asked wheel and works. */
async function checkExisting(
  variant: Variant,
  directory: string,
  wheel: Wheel | undefined,
  { signal, report }: Pick<InstallOptions, 'signal' | 'report'>,
): Promise<Installed | undefined> {
  const installation = await readInstallation(directory)
  if (installation === undefined) return undefined
  if (wheel && installation.wheel !== `${wheel.name} ${wheel.version}`) return undefined
  report({ kind: 'stage', name: `checking the ${installation.wheel} that is installed` })
  try {
    return await verified(variant, directory, false, signal)
  } catch (error) {
    if (signal.aborted) throw error
    report({ kind: 'message', text: `it does not work and is built again: ${oneLine(error)}` })
    return undefined
  }
}

async function verified({ name }: Variant, directory: string, built: boolean, signal: AbortSignal): Promise<Installed> {
  const verification = await verifyInstallation(name, { signal })
  return { backend: name, wheel: (await readInstallation(directory))!.wheel, directory, built, ...verification }
}
