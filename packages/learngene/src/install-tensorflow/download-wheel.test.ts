import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { downloadWheel, findPip } from './download-wheel.js'
import { programs } from './programs.fixture.js'

let root: string
let to: string
beforeEach(async () => {
  root = await temporaryDirectory()
  to = join(root, 'to')
  await mkdir(to)
})
afterEach(() => rm(root, { recursive: true }))

/** pip that notes its arguments and then runs a script. */
const pip = (script: string) => `[ "$*" = "--version" ] && exit 0; echo "$@" >> ${root}/asked; ${script}`
const asked = async () => (await readFile(join(root, 'asked'), 'utf8')).trimEnd().split('\n')
const start = async (scripts: { [name: string]: string }) => findPip(await programs(join(root, 'bin'), scripts))

describe('pip', () => {
  it('is looked for as a module and by both names', async () => {
    const python3 = 'echo "No module named pip" >&2; exit 1'
    for (const name of ['pip3', 'pip']) await (await start({ python3, [name]: pip('') }))(['check'])
    expect(await asked()).toEqual(Array(2).fill('check --disable-pip-version-check --no-input'))
    await (await start({ python3: `shift 2; ${pip('echo module')}` }))(['check'])
    expect(await asked()).toHaveLength(3)
  })

  it('that is nowhere is an error that says what to do', async () => {
    await expect(start({ python3: 'exit 1' })).rejects.toThrow(/^pip is not there.*apt-get install python3-pip.*--wheel FILE$/)
  })
})

describe('the wheel', () => {
  it('is what pip leaves in the folder, asked for once', async () => {
    const found = await start({ pip: pip(`: > ${to}/tensorflow_cpu-2.21.0-cp311.whl`) })
    expect(await downloadWheel(found, 'tensorflow_cpu==2.21.0', to, 'x64')).toBe(join(to, 'tensorflow_cpu-2.21.0-cp311.whl'))
    expect(await asked()).toEqual([
      `download --no-deps --only-binary=:all: --progress-bar=off --dest ${to} tensorflow_cpu==2.21.0 --disable-pip-version-check --no-input`,
    ])
  })

  it.each([
    ['x64', 'x86_64'],
    ['arm64', 'aarch64'],
  ])('is taken from another Python where there is none for that of pip, on %s', async (arch, named) => {
    const script = `case "$*" in *--python-version*) : > ${to}/a.whl;; *) echo "ERROR: No matching distribution found" >&2; exit 1;; esac`
    expect(await downloadWheel(await start({ pip: pip(script) }), 'tensorflow_cpu==2.21.0', to, arch)).toBe(join(to, 'a.whl'))
    expect((await asked())[1]).toContain(` --platform manylinux_2_27_${named} --python-version 3.12 --implementation cp --abi cp312 `)
  })

  it('that pip cannot bring is an error with the reason and the way round', async () => {
    const found = await start({ pip: pip('echo "ERROR: 403 Forbidden" >&2; exit 1') })
    await expect(downloadWheel(found, 'tensorflow_cpu==2.21.0', to, 'x64')).rejects.toThrow(
      /^pip cannot download tensorflow_cpu==2\.21\.0 \(pip ended with exit code 1: ERROR: 403 Forbidden\);.*--wheel FILE$/,
    )
    expect(await asked()).toHaveLength(1)
  })

  it('has to be there when pip says so', async () => {
    await expect(downloadWheel(await start({ pip: pip('') }), 'tensorflow==2.21.0', to, 'x64')).rejects.toThrow('left no wheel')
  })
})
