import { BACKEND_NAMES } from '@learngene/backends'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { check } from '../doctor/check.js'
import type { CheckRequest } from '../doctor/check-process.js'
import { describeDiagnosis, hasColours } from '../doctor/describe.js'
import type { Diagnosis } from '../doctor/diagnosis.js'
import { run } from '../io.fixture.js'

vi.mock('../doctor/check.js', () => ({ check: vi.fn() }))

/** What the processes answer, by backend and for images. */
let answers: { [asked: string]: object }
beforeEach(() => {
  const works = { works: true, version: '4.22.0', device: null, features: [], seconds: 1 }
  const not = (reason: string) => ({ works: false, reason, seconds: 2 })
  answers = {
    'tensorflow-gpu': not('its process fails (ended by SIGSEGV)'),
    webgpu: { ...works, device: 'llvmpipe (software)', features: ['f16'] },
    tensorflow: not('@tensorflow/tfjs-node is not installed; get it with: npx learngene install-tensorflow'),
    wasm: { ...works, features: ['simd', 'threads 1'] },
    cpu: works,
    images: { ...works, version: '0.35.5', features: ['PNG', 'JPEG'] },
  }
  vi.mocked(check).mockImplementation(async (request: CheckRequest) => answers['backend' in request ? request.backend : 'images'] as never)
})

describe('learngene doctor', () => {
  it('fits on a screen: what computes, and what would help where it does not', async () => {
    const { code, stdout, stderr } = await run(['doctor'])
    expect(code).toBe(0)
    const lines = stdout.split('\n')
    expect(lines.length).toBeLessThanOrEqual(30)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(120)
    expect(stdout).toMatch(/^✗ tensorflow-gpu +\S/m)
    expect(stdout).toMatch(/^✓ webgpu +4\.22\.0, llvmpipe \(software\), which auto passes over, f16, computes in 1\.0 s$/m)
    if (process.platform === 'linux')
      expect(stdout).toMatch(/^✗ tensorflow +@tensorflow\/tfjs-node is not installed\n +→ npx learngene install-tensorflow$/m)
    expect(stdout).toMatch(/^✓ images +sharp 0\.35\.5 decodes PNG and JPEG$/m)
    expect(stdout).toMatch(/\nauto computes on wasm here; .*\n$/)
    // Texts begin in one column.
    const column = lines.find((line) => line.startsWith('✓ wasm'))!.indexOf('4.22.0')
    for (const line of lines.filter((line) => /^[✓✗! ] \S/.test(line))) expect(line.slice(column - 2, column + 1)).toMatch(/^ {2}\S$/)
    expect(stdout).not.toContain('\x1b')
    expect(stderr).toMatch(/^\[0:0\d\] try what computes and decodes here\n/)
  })

  it('prints it as JSON', async () => {
    const { code, stdout } = await run(['doctor', '--json'], { env: { HF_TOKEN: 'hf_secret' } })
    expect(code).toBe(0)
    const diagnosis = JSON.parse(stdout) as Diagnosis
    expect(Object.keys(diagnosis)).toEqual(['learngene', 'machine', 'backends', 'auto', 'images'])
    expect(diagnosis.backends.map(({ name }) => name)).toEqual([...BACKEND_NAMES])
    expect(diagnosis.auto).toBe('wasm')
    expect(diagnosis.machine.hub.token).toBe(true)
    expect(stdout).not.toContain('secret')
  })

  it('fails where nothing computes', async () => {
    for (const name of BACKEND_NAMES) answers[name] = { works: false, reason: 'its process fails (no answer within 20 s)', seconds: 20 }
    const { code, stdout, stderr } = await run(['doctor'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/\nnothing computes here\n$/)
    expect(stderr).toMatch(/\nlearngene: nothing computes here: no backend gave the right numbers\n$/)
  })

  it('names a software WebGPU where nothing else computes', async () => {
    for (const name of ['wasm', 'cpu']) answers[name] = { works: false, reason: 'x', seconds: 1 }
    const { code, stdout } = await run(['doctor'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/\nauto finds nothing to compute on; name webgpu with --backend\n$/)
  })

  it('says how to get what decodes images', async () => {
    answers.images = { works: false, reason: "Cannot find package 'sharp' imported from x", seconds: 1 }
    expect((await run(['doctor'])).stdout).toMatch(/^✗ images +Cannot find package 'sharp' imported from x\n +→ npm install sharp$/m)
  })

  it('has colours on a terminal only, and keeps to its width', async () => {
    const output = { write: () => {} }
    expect(hasColours({ ...output, isTTY: true }, {})).toBe(true)
    expect(hasColours(output, {})).toBe(false)
    expect(hasColours({ ...output, isTTY: true }, { NO_COLOR: '1' })).toBe(false)
    expect(hasColours({ ...output, isTTY: true }, { TERM: 'dumb' })).toBe(false)
    const diagnosis = JSON.parse((await run(['doctor', '--json'])).stdout) as Diagnosis
    const coloured = describeDiagnosis(diagnosis, { colours: true, columns: 110 })
    expect(coloured).toContain('\x1b[32m✓\x1b[0m wasm')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(coloured.replaceAll(/\x1b\[\d+m/g, '')).toBe(describeDiagnosis(diagnosis, { colours: false, columns: 110 }))
    const long = { ...diagnosis, machine: { ...diagnosis.machine, platform: 'so many words '.repeat(20).trim() } }
    for (const line of describeDiagnosis(long, { colours: false, columns: 60 })
      .split('\n')
      .filter((line) => line.includes('words')))
      expect(line.length).toBeLessThanOrEqual(60)
  })
})
