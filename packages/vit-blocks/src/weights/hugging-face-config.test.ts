import { expect, it } from 'vitest'
import { deit, vitStructure } from '../vit.js'
import { huggingFaceConfig } from './hugging-face-config.js'
import { readModelConfig } from './model-config.js'
import { memoryFiles } from './testing/memory-files.js'

const details = { classNames: ['ant', 'bee'], normalisation: { mean: [0.1, 0.2, 0.3], std: [1, 2, 3] }, seed: 1 }
const structure = vitStructure({ ...deit.tiny, classes: 2, mlpRatio: 3, epsilon: 1e-5 })

it('says of a network all that is read from it', async () => {
  const { config, preprocessor } = huggingFaceConfig(structure, details)
  expect(await readModelConfig(memoryFiles({ 'config.json': config, 'preprocessor_config.json': preprocessor! }))).toEqual({
    hints: { heads: 3, epsilon: 1e-5 },
    sizes: { hidden_size: 192, num_hidden_layers: 12, intermediate_size: 576, image_size: 224, patch_size: 16, num_channels: 3 },
    details: { classNames: details.classNames, normalisation: details.normalisation },
    notes: [],
  })
  expect(config).toMatchObject({ id2label: { 0: 'ant', 1: 'bee' }, label2id: { ant: 0, bee: 1 } })
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
