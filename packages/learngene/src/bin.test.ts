import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory, writeModel } from './run.fixture.js'

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url))
const reason = existsSync(bin) ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'

/** Runs a shell line in which `learngene` is the built command. */
function shell(line: string, onStderr: (child: ReturnType<typeof spawn>, text: string) => void = () => {}) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const command = line.replaceAll('learngene ', `'${process.execPath}' '${bin}' `)
    const child = spawn('sh', ['-c', `exec ${command}`], { stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
      onStderr(child, stderr)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

describe.skipIf(reason !== '')(`the built command${reason}`, () => {
  let root: string
  let model: string
  beforeAll(async () => {
    root = await temporaryDirectory()
    model = join(root, 'model.safetensors')
    await writeModel(model, { depth: 3 })
  })
  afterAll(() => rm(root, { recursive: true }))

  it('prints one JSON document on stdout and nothing on stderr', async () => {
    const { code, stdout, stderr } = await shell('learngene paths --widths 192,384,768 --depth 12 --json')
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout).paths).toHaveLength(71)
  })

  it.each(['', 'search', 'export'])('loads no TensorFlow.js for %s --help, which would double its time', async (command) => {
    const script = `
      process.argv = ['node', 'learngene', ...'${command} --help'.trim().split(' ')]
      process.on('exit', () => console.error(Object.keys(require('node:module')._cache).filter((file) => file.includes('@tensorflow'))))
      import(${JSON.stringify(pathToFileURL(bin).href)})`
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', script])
    expect(stdout).toContain('Usage: learngene')
    expect(stderr).toBe('[]\n')
  })

  it.each(['wasm', 'cpu'])('keeps stdout clean and greetings away on %s', async (backend) => {
    const { code, stdout, stderr } = await shell(`learngene evaluate ${model} --limit 20 --backend ${backend} --json`)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ accuracy: expect.any(Number), images: 20 })
    expect(stderr).toMatch(/^(\[\d:\d\d\] load .*\n){2}(\[\d:\d\d\] evaluate on .*\n){2}$/)
  })

  it('ends with exit code 2 and one line where it is asked for wrongly', async () => {
    const { code, stdout, stderr } = await shell('learngene paths --widhts 192')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toBe("learngene: unknown option '--widhts' (Did you mean --widths?)\n")
  })

  it.each([
    ['new Promise(() => {})', 'gives a promise that nothing will ever settle'],
    ['(setTimeout(() => {}, 50), new Promise(() => {}))', 'gives a promise that nothing will ever settle'],
    ['process.exit(0)', 'calls process.exit(0)'],
  ])('says that a configuration gives nothing: %s', async (given, message) => {
    const config = join(root, 'nothing.mjs')
    writeFileSync(config, `export default ${given}`)
    const { code, stdout, stderr } = await shell(`learngene run --config ${config} --ancestor train --out ${root}/nothing`)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^learngene: [^\n]*nothing\.mjs[^\n]*\n$/)
    expect(stderr).toContain(message)
  })

  it('says nothing when the reader of its output has seen enough', async () => {
    const { stdout, stderr } = await shell(
      'learngene paths --widths 64,128,192,256,320,384,448,512 --depth 24 --pairs all --json | head -c 1',
    )
    expect([stdout, stderr]).toEqual(['{', ''])
  })

  it('says in one line that its output cannot be written', async () => {
    if (!existsSync('/dev/full')) return
    const { code, stderr } = await shell('learngene paths --widths 192,384 --depth 2 --json > /dev/full')
    expect([code, stderr]).toEqual([
      1,
      'learngene: stdout cannot be written: ENOSPC: no space left on device, write; what was to be read there is not whole\n',
    ])
  })

  it('ends with the exit code of its work, also where nobody reads its progress any more', async () => {
    const file = join(root, 'code')
    const ended = await shell(
      `sh -c "(learngene evaluate ${model} --images ${root}/nowhere --backend cpu 2>&1; echo \\$? > ${file}) | true"`,
    )
    expect(ended.code).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe('1\n')
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends in order on %s, with exit code %i', async (signal, expected) => {
    let sent = false
    const { code, stdout, stderr } = await shell(`learngene evaluate ${model} --backend cpu`, (child, text) => {
      if (!sent && text.includes('evaluate on')) sent = child.kill(signal)
    })
    expect(stderr).toMatch(/\nlearngene: interrupted; nothing of this run is left on disk[^\n]*\n$/)
    expect([code, stdout]).toEqual([expected, ''])
  })
})
