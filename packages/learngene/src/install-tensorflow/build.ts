import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Reporter } from '@learngene/interfaces'
import { compileAddon } from './compile-addon.js'
import { installCudaLibraries } from './cuda-libraries.js'
import { downloadWheel, type Pip } from './download-wheel.js'
import { fetchPackages } from './fetch-packages.js'
import { writeInstallation } from './installation.js'
import type { Variant } from './variant.js'
import { LIBRARIES, openWheel, type Wheel } from './wheel.js'

export interface BuildOptions {
  readonly variant: Variant
  /** The folder in which npm is run. */
  readonly project: string
  /** An opened wheel; undefined where pip is to bring one. */
  readonly wheel: Wheel | undefined
  /** Undefined where it is not needed. */
  readonly pip: Pip | undefined
  readonly signal: AbortSignal
  readonly report: Reporter
}

/** Fills an empty folder with all that the backend loads. */
export async function build(staging: string, options: BuildOptions): Promise<void> {
  const { variant, project, signal, report } = options
  const modules = join(staging, 'node_modules')
  const tfjsNode = join(modules, variant.npmPackages[0]!.name)
  const temporary = join(staging, 'temporary')
  const [libraries, headers] = [join(tfjsNode, 'deps', 'lib'), join(temporary, 'include')]
  report({ kind: 'stage', name: `downloading ${variant.npmPackages[0]!.name} through npm` })
  await fetchPackages(variant.npmPackages, modules, { cwd: project, signal })
  await writeUnionPackage(modules)
  const wheel = options.wheel ?? (await download(join(temporary, 'wheel'), options))
  try {
    await extract(wheel, { libraries, headers }, options)
    let cuda: string[] = []
    if (variant.name === 'tensorflow-gpu') {
      report({ kind: 'stage', name: 'downloading the CUDA libraries through pip' })
      cuda = await installCudaLibraries(options.pip!, wheel.cudaRequirements, join(tfjsNode, 'deps'))
    }
    report({ kind: 'stage', name: 'compiling the addon' })
    const loaded = [...cuda, ...LIBRARIES.map((name) => join(libraries, name))]
    await compileAddon({ tfjsNode, headers, libraries: loaded, stubs: join(temporary, 'stubs') }, { signal })
    await writeInstallation(staging, { wheel: `${wheel.name} ${wheel.version}` })
  } finally {
    if (!options.wheel) wheel.close()
  }
  await rm(temporary, { recursive: true })
}

async function download(directory: string, { variant, pip, report }: BuildOptions): Promise<Wheel> {
  report({ kind: 'stage', name: `downloading ${variant.requirement} through pip` })
  await mkdir(directory, { recursive: true })
  return openWheel(await downloadWheel(pip!, variant.requirement, directory, process.arch))
}

async function extract(wheel: Wheel, to: { libraries: string; headers: string }, { signal, report }: BuildOptions): Promise<void> {
  report({ kind: 'stage', name: `unpacking ${wheel.name} ${wheel.version} (MB)` })
  const total = Math.ceil(wheel.libraryBytes / 1e6)
  let bytes = 0
  await wheel.extract(to, signal, (more) => {
    const before = Math.floor(bytes / 1e6)
    bytes += more
    const done = Math.floor(bytes / 1e6)
    if (done !== before) report({ kind: 'progress', done: Math.min(done, total), total })
  })
}

/** tfjs-node's kernels load `@tensorflow/tfjs`, of which they need what the core has. */
async function writeUnionPackage(modules: string): Promise<void> {
  const file = join(modules, '@tensorflow', 'tfjs', 'index.js')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, "module.exports = require('@tensorflow/tfjs-core')\n")
}
