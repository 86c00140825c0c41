import { expect, it } from 'vitest'
import { correctDeit, originOf } from './deit-traps.js'
import { imageNetNormalisation } from './preprocessing.js'
import { memoryFiles } from './testing/memory-files.js'

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
