import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createRng } from '@learngene/training'
import { createViT, encodeSafetensors, huggingFaceConfig, openSafetensors, saveModel, structureOf } from '@learngene/vit-blocks'
import { setBackend } from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import { startHub, type TestHub, testRepository } from '@learngene/testing/hub-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { smallRun, writeSmallPictures } from './small-pictures.fixture.js'

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
const reason = existsSync(bin) ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'

/** A file of transformers says nothing of its structure. */
async function withoutOurs(bytes: Uint8Array): Promise<Uint8Array> {
  const file = await openSafetensors(bytes, { name: 'model' })
  const names = [...file.tensors.keys()]
  const tensors = names.map(async (name) => ({ name, shape: file.tensors.get(name)!.shape, data: await file.readFloat32(name) }))
  return encodeSafetensors(await Promise.all(tensors), { dtype: 'F32', metadata: { format: 'pt' } })
}

describe.skipIf(reason !== '')(`an ancestor of the hub${reason}`, () => {
  let root: string
  let hub: TestHub
  beforeAll(async () => {
    root = await temporaryDirectory()
    await writeSmallPictures(join(root, 'pictures'))
    await setBackend('cpu')
    const network = createViT({ imageSize: 16, patchSize: 4, channels: 3, width: 12, depth: 2, heads: 2, classes: 7 }, createRng(1))
    const mean = [0.5, 0.5, 0.5]
    const { config, preprocessor } = huggingFaceConfig(structureOf(network), { normalisation: { mean, std: mean } })
    const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
    hub = await startHub({
      'config.json': json(config),
      'preprocessor_config.json': json(preprocessor),
      'model.safetensors': await withoutOurs(await saveModel(network, { naming: 'huggingface' })),
    })
  })
  afterAll(async () => {
    await hub.close()
    await rm(root, { recursive: true, force: true })
  })

  it('is fetched once, gets a head for the images, and becomes a family; without a connection the run goes on', async () => {
    const { ancestor: _, model: __, ...rest } = smallRun
    const training = { batchSize: 6, learningRate: 1e-3, epochs: 1 }
    const adaptation = { head: training, whole: training }
    writeFileSync(join(root, 'config.json'), JSON.stringify({ ...rest, adaptation, images: { training: join(root, 'pictures') } }))
    const out = join(root, 'run')
    const learngene = (env: object) =>
      promisify(execFile)(
        process.execPath,
        [
          bin,
          'run',
          '--config',
          join(root, 'config.json'),
          '--ancestor',
          `hf:${testRepository}`,
          '--out',
          out,
          '--backend',
          'wasm',
          '--workers',
          '1',
        ],
        { env: { ...process.env, HF_HOME: join(root, 'hub'), HF_ENDPOINT: hub.url, ...env } },
      )
    await learngene({})
    const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
    expect(report.config.ancestor).toBe(`hf:${testRepository}`)
    expect(report.descendants.length).toBeGreaterThan(1)
    const asked = hub.authorizations.length
    expect(asked).toBeGreaterThan(0)
    const { stdout } = await learngene({ HF_HUB_OFFLINE: '1' })
    expect(stdout).toContain('npx learngene search')
    expect(hub.authorizations.length).toBe(asked)
  })
})
