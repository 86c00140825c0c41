import { expect, it } from 'vitest'
import { deit, vitStructure } from '../vit.js'
import { huggingFaceConfig } from './hugging-face-config.js'
import { readModelConfig } from './model-config.js'
import { memoryFiles } from './testing/memory-files.js'

const normalisation = { mean: [0.1, 0.2, 0.3], std: [1, 2, 3] }
const preprocessing = { size: [224, 224], resize: { shortest: 256 }, centerCrop: true, interpolation: 'lanczos', ...normalisation }
const details = { classNames: ['ant', 'bee'], preprocessing, normalisation: 'older', seed: 1 }
const structure = vitStructure({ ...deit.tiny, classes: 2, mlpRatio: 3, epsilon: 1e-5 })

it('says of a network all that is read from it', async () => {
  const { config, preprocessor } = huggingFaceConfig(structure, details)
  expect(await readModelConfig(memoryFiles({ 'config.json': config, 'preprocessor_config.json': preprocessor! }))).toEqual({
    hints: { heads: 3, epsilon: 1e-5, activation: 'gelu', imageSize: 224 },
    claims: [
      { key: 'hidden_size', value: 192, of: 'width', means: 192 },
      { key: 'num_hidden_layers', value: 12, of: 'depth', means: 12 },
      { key: 'intermediate_size', value: 576, of: 'hidden', means: 576 },
      { key: 'qkv_bias', value: true, of: 'qkvBias', means: true },
      { key: 'patch_size', value: 16, of: 'patchSize', means: 16 },
      { key: 'num_channels', value: 3, of: 'channels', means: 3 },
    ],
    details: { classNames: details.classNames, preprocessing },
    notes: [],
  })
  expect(config).toMatchObject({ id2label: { 0: 'ant', 1: 'bee' }, label2id: { ant: 0, bee: 1 } })
})

it('leaves images of the network’s size as they are where the details hold a normalisation alone', async () => {
  const { preprocessor } = huggingFaceConfig(structure, { normalisation })
  expect(preprocessor).toMatchObject({
    image_processor_type: 'BitImageProcessor',
    size: { shortest_edge: 224 },
    do_center_crop: true,
    crop_size: { height: 224, width: 224 },
  })
  expect(preprocessor).toMatchObject({ image_mean: normalisation.mean, image_std: normalisation.std })
})

it('refuses class names of another number than classes', () => {
  expect(() => huggingFaceConfig(structure, { classNames: ['ant'] })).toThrow(
    'details.classNames: class names must be one non-empty text for each of the 2 classes of the classifier, found 1 (ant)',
  )
})

it('names the class of the model', () => {
  const named = (flags: object) => huggingFaceConfig({ ...structure, ...flags }).config
  expect(named({})).toMatchObject({ architectures: ['ViTForImageClassification'], model_type: 'vit', id2label: { 1: 'LABEL_1' } })
  expect(named({ distillationToken: true })).toMatchObject({ architectures: ['DeiTForImageClassification'], model_type: 'deit' })
  expect(named({ distillationToken: true, distillationHead: true })).toMatchObject({
    architectures: ['DeiTForImageClassificationWithTeacher'],
  })
  expect(huggingFaceConfig(structure).preprocessor).toBeUndefined()
})

it('refuses networks that transformers cannot hold', () => {
  const [first, ...rest] = structure.blocks
  const other = { ...first!, config: { ...first!.config, heads: 6 } }
  for (const blocks of [
    [first!, { kind: 'stitch', config: { inputWidth: 192 } }],
    [other, ...rest],
  ]) {
    expect(() => huggingFaceConfig({ ...structure, blocks })).toThrow(/^Hugging Face's ViT has transformer blocks of one size throughout/)
  }
})
