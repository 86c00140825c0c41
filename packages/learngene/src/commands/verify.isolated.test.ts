import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeBackends, useBackend } from '@learngene/backends'
import { openSafetensors } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../io.fixture.js'
import { temporaryDirectory } from '../run.fixture.js'

const golden = fileURLToPath(new URL('../../../vit-blocks/src/testing/reference/timm-vit-golden.safetensors', import.meta.url))
const backends = await describeBackends()

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

/** PyTorch's reference with one float of a tensor replaced. */
async function withValue(tensor: string, value: number): Promise<string> {
  const bytes = new Uint8Array(await readFile(golden))
  const { tensors } = await openSafetensors(bytes, { name: golden })
  new DataView(bytes.buffer).setFloat32(tensors.get(tensor)!.begin, value, true)
  const file = join(root, 'changed.safetensors')
  await writeFile(file, bytes)
  return file
}

describe('learngene verify', () => {
  for (const { name, available, reason } of backends) {
    it.skipIf(!available)(`finds ${name} exact to PyTorch, and frees all tensors${available ? '' : ` (skipped: ${reason})`}`, async () => {
      await useBackend(name)
      const before = memory().numTensors
      const { code, stdout, stderr } = await run(['verify', '--reference', golden, '--backend', name, '--json'])
      expect([code, stderr]).toEqual([0, ''])
      const { errors, ...rest } = JSON.parse(stdout)
      expect(rest).toEqual({ backend: name, tolerances: { outputs: 1e-5, gradients: 1e-4, adamw: 1 }, pass: true })
      expect(Object.keys(errors)).toEqual(['outputs', 'gradients', 'adamw'])
      for (const part of Object.keys(errors)) {
        expect(errors[part]).toBeGreaterThan(0)
        expect(errors[part]).toBeLessThanOrEqual(rest.tolerances[part])
      }
      expect(memory().numTensors).toBe(before)
    })
  }

  it('prints a table for people', async () => {
    const { code, stdout } = await run(['verify', '--reference', golden, '--backend', 'wasm'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^part +error +tolerance +largest at\n/)
    expect(stdout).toMatch(/^gradients +\d\.\de-\d +1e-4 +grad\/\S+$/m)
    expect(stdout).toMatch(/^adamw +0\.\d\d +1 +adamw3\/\S+$/m)
    expect(stdout).toMatch(/The wasm backend computes what the reference says\.\n\nnext: npx learngene bench --backends wasm\n$/)
  })

  it.each([
    ['out/logits', 'outputs'],
    ['grad/head.weight', 'gradients'],
    ['adamw3/norm.bias', 'adamw'],
  ])('fails where one value of %s is another, and names it', async (tensor, part) => {
    const file = await withValue(tensor, 1)
    const { code, stdout, stderr } = await run(['verify', '--reference', file, '--backend', 'wasm', '--json'])
    expect(code).toBe(1)
    const { errors, tolerances, pass } = JSON.parse(stdout)
    expect(pass).toBe(false)
    // The steps start from the reference's gradients.
    const wrong = part === 'gradients' ? ['gradients', 'adamw'] : [part]
    for (const other of ['outputs', 'gradients', 'adamw']) expect(errors[other] > tolerances[other], other).toBe(wrong.includes(other))
    expect(stderr).toMatch(/^learngene: the wasm backend does not compute what .*changed\.safetensors says: [^\n]+\n$/)
    expect(stderr).toContain(`the error of its ${part} may be ${tolerances[part]} and is `)
    expect(stderr).toContain(` at ${tensor}`)
  })

  it('refuses a file that is cut off, is not finite, lacks a tensor, is no reference or is not there', async () => {
    const bytes = await readFile(golden)
    const write = async (name: string, content: string | Uint8Array) => {
      await writeFile(join(root, name), content)
      return join(root, name)
    }
    const before = memory().numTensors
    for (const [file, message] of [
      [await write('cut', bytes.subarray(0, -1)), 'truncated or damaged'],
      [await write('text', 'no reference at all'), 'is this a safetensors file?'],
      [await write('renamed', Buffer.from(bytes.toString('latin1').replace('"out/norm"', '"out/nurm"'), 'latin1')), 'missing'],
      [await withValue('grad/pos_embed', Number.NaN), 'tensor "grad/pos_embed": every value must be finite'],
      [golden.replace('golden', 'fp16'), "metadata 'config'"],
      [join(root, 'missing'), 'no such file'],
    ] as const) {
      const { code, stdout, stderr } = await run(['verify', '--reference', file, '--json'])
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
      expect(stderr).toContain(file)
      expect(stderr).toContain(message)
    }
    expect(memory().numTensors).toBe(before)
  })

  it('takes the embedded reference where none is given, and knows the backends', async () => {
    expect(await run(['verify', '--backend', 'wasm', '--json'])).toEqual(
      await run(['verify', '--reference', golden, '--backend', 'wasm', '--json']),
    )
    expect(await run(['verify', '--reference', golden, '--backend', 'abacus'])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('learngene verify --model', () => {
  const folder = fileURLToPath(new URL('../../../vit-blocks/src/weights/testing/golden/deit', import.meta.url))

  it('prints what is understood of a model and runs one image, and frees all tensors', async () => {
    await useBackend('wasm')
    const before = memory().numTensors
    const { code, stdout, stderr } = await run(['verify', '--model', folder, '--backend', 'wasm'])
    expect([code, stderr]).toEqual([0, ''])
    const [said, next] = stdout.split('\nnext:\n')
    // Not runs/photos, which the model itself may be.
    expect(next).toBe(
      `  npx learngene cut ${folder} --images photos --list\n  npx learngene run --images photos --ancestor ${folder} --out runs/smaller\n`,
    )
    expect(said!.split('\n').map((line) => line.slice(0, 13).trim())).toEqual([
      ...['model', 'images', 'tokens', 'blocks', 'pooling', 'classes', 'cost', 'preprocessing', 'note', 'note', 'one image', ''],
    ])
    expect(stdout).toContain('images        12 x 12 x 2, 3 x 3 patches of 4 x 4')
    expect(stdout).toContain('tokens        class token, distillation token, 9 patches: 11')
    expect(stdout).toContain('blocks        2 x transformer width 8, heads 2, mlpRatio 2, epsilon 1e-12')
    expect(stdout).toContain('classes       3 (ant, bee, cat)')
    expect(stdout).toMatch(/^one image {5}a drawn wave on wasm, \d+ ms with the first start: (ant|bee|cat) -?\d\.\d{4}, /m)
    expect(memory().numTensors).toBe(before)
  })

  it('prints all of it as JSON, also at another size', async () => {
    const { code, stdout } = await run(['verify', '--model', folder, '--image-size', '20', '--backend', 'wasm', '--json'])
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    expect(Object.keys(report)).toEqual(['backend', 'structure', 'cost', 'details', 'notes', 'outputs', 'milliseconds'])
    expect(report.structure.geometry).toEqual({ imageSize: 20, patchSize: 4, channels: 2 })
    expect(report.notes).toContain('position embeddings resampled from 3 x 3 to 5 x 5 patches (12 to 20 pixels)')
    expect(report.outputs).toHaveLength(3)
  })

  it('says in one line what cannot be read', async () => {
    const before = memory().numTensors
    const pointer = join(root, 'pointer.safetensors')
    await writeFile(pointer, 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n')
    for (const [model, message] of [
      [pointer, 'a pointer of Git LFS'],
      [join(root, 'none'), 'there is no such file'],
    ]) {
      const { code, stdout, stderr } = await run(['verify', '--model', model!, '--backend', 'wasm'])
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
      expect(stderr).toContain(message)
    }
    expect(await run(['verify', '--model', folder, '--reference', golden])).toMatchObject({ code: 2, stdout: '' })
    expect(memory().numTensors).toBe(before)
  })
})
