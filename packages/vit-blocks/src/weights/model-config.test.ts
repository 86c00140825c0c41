import { describe, expect, it } from 'vitest'
import { correctDeit, originOf, readModelConfig } from './model-config.js'
import { imageNetNormalisation } from './preprocessing.js'
import { memoryFiles } from './testing/memory-files.js'

describe('readModelConfig', () => {
  const vit = {
    model_type: 'vit',
    hidden_act: 'gelu',
    hidden_size: 768,
    num_attention_heads: 12,
    layer_norm_eps: 1e-12,
    image_size: 224,
    id2label: { 0: 'ant', 1: 'bee' },
  }

  const squash = (side: number) => ({ size: [side, side], resize: { squash: [side, side] }, centerCrop: false, interpolation: 'bilinear' })

  const read = (config: object, preprocessor?: object, changes = {}) =>
    readModelConfig(memoryFiles({ 'config.json': config, ...(preprocessor && { 'preprocessor_config.json': preprocessor }) }, changes))

  it("reads Hugging Face's files and believes those of google/vit-*", async () => {
    const preprocessor = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] }
    expect(await read(vit, preprocessor, { origin: 'google/vit-base-patch16-224' })).toEqual({
      hints: { heads: 12, epsilon: 1e-12, activation: 'gelu', imageSize: 224 },
      claims: [{ key: 'hidden_size', value: 768, of: 'width', means: 768 }],
      details: { preprocessing: { ...squash(224), mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }, classNames: ['ant', 'bee'] },
      notes: [],
    })
  })

  it('corrects those of facebook/deit-*', async () => {
    const { hints, details, notes } = await read(vit, {}, { origin: 'facebook/deit-base-patch16-224' })
    expect(hints).toMatchObject({ heads: 12, epsilon: 1e-6 })
    expect(details.preprocessing).toEqual({ ...squash(224), mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] })
    expect(notes).toHaveLength(2)
    const alone = await read(vit, undefined, { origin: 'facebook/deit-base-patch16-224' })
    expect(alone.details).toMatchObject({ normalisation: { mean: [0.485, 0.456, 0.406] } })
  })

  it('takes the word of the caller for where the files come from', async () => {
    const files = memoryFiles({ 'config.json': vit })
    expect((await readModelConfig(files, { origin: 'facebook/deit-base-patch16-224' })).hints.epsilon).toBe(1e-6)
  })

  it('assumes the defaults of Hugging Face and says what is not known', async () => {
    expect(await read({ model_type: 'vit' })).toEqual({
      hints: { heads: 12, epsilon: 1e-12, activation: 'gelu', imageSize: 224 },
      claims: [],
      details: {},
      notes: ['the files do not say how images are normalised (mean and std)'],
    })
  })

  it("reads timm's file", async () => {
    const config = {
      architecture: 'deit_tiny_patch16_224',
      num_features: 192,
      global_pool: 'token',
      pretrained_cfg: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    }
    expect(await read(config)).toEqual({
      hints: { headWidth: 64, activation: 'gelu', epsilon: 1e-6, pooling: 'token' },
      claims: expect.arrayContaining([{ key: 'num_features', value: 192, of: 'width', means: 192 }]),
      details: {
        preprocessing: {
          crop: 'center',
          cropPct: 0.875,
          interpolation: 'bicubic',
          mean: [0.485, 0.456, 0.406],
          std: [0.229, 0.224, 0.225],
        },
      },
      notes: [],
    })
    const own = { architecture: 'vit', model_args: { num_heads: 5 }, label_names: ['ant'] }
    expect(await read(own)).toMatchObject({ hints: { heads: 5 }, details: { classNames: ['ant'] }, notes: [expect.any(String)] })
  })

  it('reads nothing where there is no configuration, or it is not known to belong to the file', async () => {
    const nothing = { hints: {}, claims: [], details: {}, notes: [] }
    expect(await readModelConfig(memoryFiles({}))).toEqual(nothing)
    expect(await read(vit, undefined, { configured: false })).toEqual(nothing)
  })

  it.each<[object, string]>([
    [{}, "model: config.json: model_type must be 'vit' or 'deit' or 'vit_mae' or"],
    [{ model_type: 'bert' }, 'found "bert"'],
    [{ ...vit, hidden_act: 'relu' }, `for a ViT that can be run here, found "relu"`],
    [{ ...vit, num_attention_heads: '12' }, 'num_attention_heads must be a positive whole number, found "12"'],
    [{ ...vit, layer_norm_eps: 0 }, 'layer_norm_eps must be a positive number of at most 0.01, found 0'],
    [
      { architecture: 'vit', global_pool: 'max' },
      `global_pool must be 'token' or 'avg' or 'map' for a ViT that can be run here, found "max"`,
    ],
    [[], 'must be an object, found []'],
  ])('refuses %j', async (config, message) => {
    await expect(read(config)).rejects.toThrow(message)
  })

  it('states the preprocessing that the files state: bilinear, squashed, no crop', async () => {
    const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }
    const preprocessor = { image_mean: half.mean, image_std: half.std, do_resize: true, resample: 2, size: { height: 16, width: 16 } }
    expect((await read({ ...vit, image_size: 16, id2label: undefined }, preprocessor)).details).toEqual({
      preprocessing: { ...squash(16), ...half },
    })
    const pretrained_cfg = { input_size: [3, 16, 16], interpolation: 'bilinear', crop_pct: 1.0, crop_mode: 'squash', ...half }
    const timm = { architecture: 'vit_tiny_patch16_224', num_classes: 5, num_features: 64, global_pool: 'token', pretrained_cfg }
    expect((await read(timm)).details).toEqual({
      preprocessing: { size: [16, 16], crop: 'squash', cropPct: 1, interpolation: 'bilinear', ...half },
    })
  })

  it('notes names that several classes share', async () => {
    const { details, notes } = await read({ ...vit, id2label: { 0: 'crane', 1: 'crane' } }, {})
    expect(details.classNames).toEqual(['crane', 'crane'])
    expect(notes).toEqual(['model: config.json: id2label gives several classes one name: crane'])
  })

  it.each<[object, string]>([
    [{ id2label: { 1: 'a', 2: 'b' } }, 'model: config.json: id2label must name the classes 0, 1, 2 and so on, found no class 0'],
    [{ id2label: { 0: ' ' } }, 'id2label must be non-empty texts, found " " for class 0'],
    [{ id2label: 'ant' }, 'id2label must be names by class, found "ant"'],
  ])('refuses class names that are not one per class: %j', async (names, message) => {
    await expect(read({ ...vit, ...names })).rejects.toThrow(message)
  })
})

describe('correctDeit', () => {
  const halves = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }

  const correct = (origin: string | undefined, stated: object = {}, name = 'model', modelType = 'vit') =>
    correctDeit({ epsilon: 1e-12, normalisation: halves, ...stated }, { origin, files: memoryFiles({}, { name }), modelType })

  it.each([
    ['hf:facebook/deit-base-patch16-224@main', 'facebook/deit-base-patch16-224'],
    ['https://huggingface.co/facebook/deit-tiny-patch16-224/resolve/main/', 'facebook/deit-tiny-patch16-224'],
    ['/home/x/.cache/huggingface/hub/models--facebook--deit-small-patch16-224/snapshots/1', 'facebook/deit-small-patch16-224'],
    ['C:\\models\\facebook\\deit-tiny-distilled-patch16-224', 'facebook/deit-tiny-distilled-patch16-224'],
    ['/models/deit-tiny', undefined],
    ['/models/notfacebook/deit-tiny', undefined],
  ])('tells from the name %s where the files come from', (name, origin) => {
    expect(originOf({ name: name.replace('hf:', '/') })).toBe(origin)
    expect(originOf({ name, origin: 'google/vit' })).toBe('google/vit')
  })

  it('corrects facebook/deit-* and says so', () => {
    const { notes, ...corrected } = correct('facebook/deit-tiny-patch16-224')
    expect(corrected).toEqual({ epsilon: 1e-6, normalisation: imageNetNormalisation })
    expect(notes).toEqual([
      'layer_norm_eps corrected from 1e-12, as config.json states, to 1e-6, with which facebook/deit-tiny-patch16-224 was trained',
      "normalisation corrected from mean and std 0.5, as preprocessor_config.json states, to ImageNet's mean 0.485 0.456 0.406 and std 0.229 0.224 0.225, with which facebook/deit-tiny-patch16-224 was trained",
    ])
    expect(correct('facebook/deit-x', { normalisation: undefined })).toMatchObject({ normalisation: imageNetNormalisation })
  })

  it('leaves right statements and other models as they are', () => {
    const right = { epsilon: 1e-6, normalisation: imageNetNormalisation }
    expect(correct('facebook/deit-base', right)).toEqual({ ...right, notes: [] })
    for (const origin of ['google/vit-base-patch16-224', 'somebody/deit-finetuned', 'facebook/dino-vits16']) {
      expect(correct(origin)).toEqual({ epsilon: 1e-12, normalisation: halves, notes: [] })
    }
  })

  it('only hints where the origin is not known', () => {
    for (const guess of [correct(undefined, {}, 'model', 'deit'), correct(undefined, {}, '/models/deit-base', 'vit')]) {
      expect(guess).toMatchObject({ epsilon: 1e-12, normalisation: halves })
      expect(guess.notes).toEqual([expect.stringContaining("{ origin: 'facebook/deit-...' }")])
    }
    expect(correct(undefined).notes).toEqual([])
  })
})
