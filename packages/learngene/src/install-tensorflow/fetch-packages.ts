import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ProgramError, type RunOptions, runProgram } from './run-program.js'
import type { Variant } from './variant.js'

/**
 * Puts published npm packages into a `node_modules` of their own. `npm install` would run their installers where npm is told so, bring a
 * hundred further packages, and remove packages that no manifest lists; so their archives are fetched and unpacked.
 *
 * @param options.cwd the project, whose settings of npm count
 */
export async function fetchPackages(packages: Variant['npmPackages'], modules: string, options: RunOptions): Promise<void> {
  await mkdir(modules, { recursive: true })
  for (const { name, version } of packages) {
    const folder = join(modules, name)
    await mkdir(folder, { recursive: true })
    const pack = ['pack', `${name}@${version}`, '--json', '--ignore-scripts', '--prefer-offline', '--pack-destination', modules]
    const printed = await runProgram('npm', pack, options).catch((error) => {
      throw asFailure(error, `npm cannot download ${name}@${version}`, 'npm, which comes with Node,')
    })
    const archive = join(modules, packedFile(printed))
    await runProgram('tar', ['-xzf', archive, '-C', folder, '--strip-components=1'], options).catch((error) => {
      throw asFailure(error, `${archive} cannot be unpacked`, 'tar')
    })
    await rm(archive)
  }
}

/** The file name in what `npm pack --json` prints: a list, or (since npm 11) an object by package. */
export function packedFile(printed: string): string {
  const [packed] = Object.values(JSON.parse(printed)) as { filename: string }[]
  return packed!.filename.replace(/^@/, '').replaceAll('/', '-')
}

function asFailure(error: unknown, what: string, program: string): unknown {
  if (!(error instanceof ProgramError)) return error
  return new Error(error.missing ? `${program} is not there; put it on the PATH` : `${what} (${error.message})`)
}
