import type { Preprocessing } from '@learngene/interfaces'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { preprocessorConfig } from './details.js'
import { readPreprocessor, readTimmPreprocessing } from './preprocessing.js'

const halves = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }
const clip = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] }
const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
const read = (config: object, modelType = 'vit', side = 224) =>
  readPreprocessor(config as never, 'x', { modelType, imageSize: [side, side] })
const timm = (config: object) => readTimmPreprocessing(config as never, 'x')

it.each([
  ['vit', { size: [224, 224], resize: { squash: [224, 224] }, centerCrop: false, interpolation: 'bilinear', ...halves }],
  ['deit', { size: [224, 224], resize: { squash: [256, 256] }, centerCrop: true, interpolation: 'bicubic', ...halves }],
  ['dinov2', { size: [224, 224], resize: { shortest: 224 }, centerCrop: true, interpolation: 'bicubic', ...clip }],
  ['clip', { size: [224, 224], resize: { shortest: 224 }, centerCrop: true, interpolation: 'bicubic', ...clip }],
  ['siglip', { size: [224, 224], resize: { squash: [224, 224] }, centerCrop: false, interpolation: 'bicubic', ...halves }],
])("takes transformers' defaults where a file states nothing: %s", (modelType, expected) => {
  expect(read({}, modelType)).toEqual(expected)
})

it('lets sizes that are not stated follow the network', () => {
  expect(read({}, 'deit', 112)).toMatchObject({ size: [112, 112], resize: { squash: [128, 128] } })
  expect(read({}, 'clip', 336)).toMatchObject({ size: [336, 336], resize: { shortest: 336 } })
  expect(readPreprocessor({}, 'x', { modelType: 'vit', imageSize: [32, 8] })).toMatchObject({ size: [32, 8], resize: { squash: [32, 8] } })
  expect(read({ size: 384 }, 'deit', 384)).toMatchObject({ size: [224, 224], resize: { squash: [384, 384] } })
})

it.each<[object, object]>([
  [{ size: 384 }, { size: [384, 384], resize: { squash: [384, 384] } }],
  [{ size: { height: 20, width: 30, shortest_edge: null } }, { size: [20, 30], resize: { squash: [20, 30] } }],
  [
    { feature_extractor_type: 'CLIPFeatureExtractor', size: 256 },
    { resize: { shortest: 256 }, size: [224, 224] },
  ],
  [{ image_processor_type: 'BitImageProcessorFast', size: { shortest_edge: 256 }, crop_size: 224 }, { resize: { shortest: 256 } }],
  [
    { size: 256, default_to_square: false, do_center_crop: true },
    { resize: { shortest: 256 }, size: [224, 224] },
  ],
  [{ resample: 0 }, { interpolation: 'nearest' }],
  [{ resample: 1 }, { interpolation: 'lanczos' }],
  [{ resample: 3 }, { interpolation: 'bicubic' }],
  [
    { do_resize: false, do_center_crop: true },
    { resize: 'none', centerCrop: true, size: [224, 224] },
  ],
  [{ do_resize: false }, { resize: 'none', centerCrop: false, size: [224, 224] }],
  [{ do_normalize: false }, { mean: [0, 0, 0], std: [1, 1, 1] }],
  [{ rescale_factor: 0.00392156862745098 }, halves],
  [
    { do_rescale: false, image_mean: [127.5], image_std: [255] },
    { mean: [0.5], std: [1] },
  ],
  [
    { rescale_factor: 1 / 127.5, image_mean: [1], image_std: [1] },
    { mean: [0.5], std: [0.5] },
  ],
  [
    { do_rescale: false, do_normalize: false, image_mean: [0], image_std: [1] },
    { mean: [0], std: [1 / 255] },
  ],
  [{ do_pad: null, do_convert_rgb: true, processor_class: 'CLIPProcessor', data_format: 'channels_first', do_flip: false }, halves],
])('obeys %j', (config, expected) => {
  expect(read(config)).toMatchObject(expected)
})

it.each<[object, string]>([
  [{ do_pad: true }, 'x: do_pad is not understood and may change what the model sees, found true; take it out of the file if it does not'],
  [{ crop_pct: 0.9 }, 'x: crop_pct is not understood'],
  [
    { image_processor_type: 'ConvNextImageProcessor' },
    'one of ViTImageProcessor, DeiTImageProcessor, BitImageProcessor, CLIPImageProcessor, SiglipImageProcessor, found "ConvNextImageProcessor"',
  ],
  [{ image_processor_type: 3 }, 'image_processor_type must be one of'],
  [{ do_resize: 'yes' }, 'x: do_resize must be true or false, found "yes"'],
  [{ size: { longest_edge: 224 } }, 'x: size must be { height, width } or { shortest_edge }, in pixels, found {...}'],
  [{ size: { shortest_edge: 224, longest_edge: 300 } }, 'x: size must be'],
  [{ size: { height: 224 } }, 'x: size must be'],
  [{ size: 0 }, 'x: size must be { height, width } or { shortest_edge }, in pixels, found 0'],
  [{ do_center_crop: true, crop_size: { shortest_edge: 3 } }, 'x: crop_size must be { height, width }, in pixels, found {...}'],
  [{ size: { shortest_edge: 224 } }, 'x: must crop images where it resizes their shortest edge'],
  [{ resample: 4 }, 'x: resample must be 0 (nearest), 1 (lanczos), 2 (bilinear) or 3 (bicubic), found 4'],
  [{ resample: 'bicubic' }, 'found "bicubic"'],
  [{ rescale_factor: 0 }, 'x: rescale_factor must be a positive number, found 0'],
  [{ image_mean: 0.5 }, 'x: image_mean must be a list of numbers, found 0.5'],
  [{ image_std: ['a'] }, 'x: image_std must be a list of numbers, found ["a"]'],
  [{ image_mean: [] }, 'x: image_mean must be a list of numbers, found []'],
  [{ image_mean: [0.5] }, 'found [0.5] and [0.5,0.5,0.5]'],
  [{ image_std: [1, 0, 1] }, 'those of image_std positive, found [0.5,0.5,0.5] and [1,0,1]'],
])('refuses %j', (config, message) => {
  expect(() => read(config)).toThrow(message)
})

it('needs a known processor where neither file nor model names one', () => {
  expect(() => read({}, 'beit')).toThrow('image_processor_type must be one of ViTImageProcessor')
})

it("reads timm's, with timm's defaults", () => {
  const stated = { input_size: [3, 240, 240], crop_pct: 0.95, crop_mode: 'border', interpolation: 'lanczos', ...halves }
  expect(timm(stated)).toEqual({
    preprocessing: { size: [240, 240], crop: 'border', cropPct: 0.95, interpolation: 'lanczos', ...halves },
    notes: [],
  })
  expect(timm({ input_size: [3, 16, 16], crop_mode: null, mean: [0.5], std: [0.5] })).toEqual({
    preprocessing: { size: [16, 16], crop: 'center', cropPct: 0.875, interpolation: 'bicubic', mean: [0.5], std: [0.5] },
    notes: [],
  })
  expect(timm({ crop_pct: 1 })).toEqual({
    preprocessing: { crop: 'center', cropPct: 1, interpolation: 'bicubic', ...imageNet },
    notes: ["x does not state mean and std: timm's defaults, ImageNet's, were taken"],
  })
  expect(timm({ num_classes: 5 })).toEqual({ notes: [] })
})

it('resizes to rectangles as timm does, whatever is stated', () => {
  const { preprocessing, notes } = timm({ input_size: [3, 32, 8], interpolation: 'bicubic', ...halves })
  expect(preprocessing).toMatchObject({ size: [32, 8], interpolation: 'bilinear' })
  expect(notes).toEqual(["x states interpolation bicubic; timm resizes to a rectangle with crop mode 'center' bilinearly, which was taken"])
  expect(timm({ input_size: [3, 32, 8], ...halves })).toMatchObject({ preprocessing: { interpolation: 'bilinear' }, notes: [] })
  expect(timm({ input_size: [3, 32, 8], crop_mode: 'squash', ...halves })).toMatchObject({
    preprocessing: { interpolation: 'bicubic' },
    notes: [],
  })
})

it.each<[object, string]>([
  [{ crop_mode: 'centre' }, 'x: crop_mode must be one of center, squash, border, found "centre"'],
  [{ interpolation: 'box' }, 'x: interpolation must be one of nearest, lanczos, bilinear, bicubic, found "box"'],
  [{ crop_pct: 1.5 }, 'x: crop_pct must be above 0 and at most 1, found 1.5'],
  [{ crop_pct: '0.9' }, 'found "0.9"'],
  [{ input_size: [224, 224] }, 'x: input_size must be [channels, height, width], found [224,224]'],
  [{ mean: 0.5 }, 'x: mean must be a list of numbers, found 0.5'],
  [{ mean: [0.5], std: [0] }, 'x: mean and std must have one number per channel, those of std positive, found [0.5] and [0]'],
])("refuses of timm's %j", (config, message) => {
  expect(() => timm(config)).toThrow(message)
})

it('writes what it reads', () => {
  const preprocessings: Preprocessing[] = [
    { size: [16, 12], resize: { squash: [16, 12] }, centerCrop: false, interpolation: 'bilinear', ...halves },
    { size: [16, 16], resize: { squash: [20, 20] }, centerCrop: true, interpolation: 'nearest', ...halves },
    { size: [16, 16], resize: { shortest: 20 }, centerCrop: true, interpolation: 'lanczos', ...imageNet },
    { size: [16, 16], resize: 'none', centerCrop: true, interpolation: 'bicubic', ...clip },
  ]
  for (const preprocessing of preprocessings) {
    const written = JSON.parse(JSON.stringify(preprocessorConfig(preprocessing)))
    expect(read(written, 'other', 16)).toEqual(preprocessing)
  }
})

it("writes timm's crop modes as far as transformers has them", () => {
  const size = [16, 16] as const
  const written = (crop: 'center' | 'squash' | 'border', cropPct: number, to: readonly [number, number] = size) =>
    read(preprocessorConfig({ size: to, crop, cropPct, interpolation: 'bicubic', ...halves }))
  expect(written('center', 0.8)).toMatchObject({ size, resize: { shortest: 20 }, centerCrop: true })
  expect(written('squash', 0.8)).toMatchObject({ size, resize: { squash: [20, 20] }, centerCrop: true })
  expect(written('squash', 1)).toMatchObject({ size, resize: { squash: [16, 16] }, centerCrop: false })
  expect(() => written('border', 1)).toThrow("transformers has no image processor for timm's crop mode 'border' at 16 x 16 pixels")
  expect(() => written('center', 1, [16, 8])).toThrow("'center' at 16 x 8 pixels")
})

/** Values of every kind that JSON has. */
const anything = fc.oneof(
  fc.integer(),
  fc.integer({ min: 0, max: 5 }),
  fc.double(),
  fc.string(),
  fc.boolean(),
  fc.constantFrom('squash', 'border', 'bilinear', 'lanczos', 'box'),
  fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 4 }),
  fc.array(fc.double(), { maxLength: 4 }),
  fc.dictionary(fc.constantFrom('height', 'width', 'shortest_edge', 'x'), fc.integer({ min: 1, max: 300 })),
)
const transformers = {
  do_resize: true,
  size: { height: 256, width: 256 },
  resample: 3,
  do_center_crop: true,
  crop_size: { height: 224, width: 224 },
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.4, 0.5, 0.6],
  image_std: [0.2, 0.25, 0.3],
}
const ofTimm = {
  input_size: [3, 224, 224],
  crop_pct: 0.9,
  crop_mode: 'center',
  interpolation: 'bicubic',
  ...imageNet,
  mean: [0.4, 0.5, 0.6],
}

it.each([
  ['transformers', transformers, (config: object) => read({ image_processor_type: 'DeiTImageProcessor', ...config })],
  ['timm', ofTimm, (config: object) => timm(config).preprocessing],
] as const)('refuses every changed value, or shows it: %s', (_, original, readConfig) => {
  const expected = readConfig(original)
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(original)), anything, (key, changed) => {
      const json = JSON.parse(JSON.stringify({ ...original, [key]: changed }))
      const same = JSON.stringify(json[key]) === JSON.stringify(original[key as never])
      // null stands for what is left out, that is, for the default.
      if (json[key] === null || same) return
      let found: unknown
      try {
        found = readConfig(json)
      } catch (error) {
        expect((error as Error).name).toBe('SafetensorsError')
        return
      }
      // The number of channels is that of mean and std.
      if (key === 'input_size' && JSON.stringify(json[key].slice(1)) === '[224,224]') return
      expect(found).not.toEqual(expected)
    }),
    { numRuns: 10_000, seed: 1 },
  )
})
