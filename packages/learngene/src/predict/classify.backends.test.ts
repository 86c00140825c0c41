import { evaluationTransform, grey } from '@learngene/datasets'
import type { JsonObject, Preprocessing, RawImage } from '@learngene/interfaces'
import { describeEachBackend, startBackend, valuesOf, watchPrograms } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { createViT, forward, parametersOf, type ViTConfig } from '@learngene/vit-blocks'
import { dispose, memory, mul, tensor4d, tidy } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { classify } from './classify.js'

const preprocessing: Preprocessing = {
  size: [8, 8],
  crop: 'center',
  cropPct: 0.8,
  interpolation: 'bicubic',
  mean: [0.5, 0.4, 0.3],
  std: [0.25, 0.2, 0.3],
}
const classNames = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox']
const details = { preprocessing, classNames } as unknown as JsonObject

/** A model whose weights are large enough for its classes to differ from picture to picture. */
function lively(config: Partial<ViTConfig> = {}, modelDetails: JsonObject = details) {
  const network = createViT({ imageSize: 8, patchSize: 4, channels: 3, width: 12, depth: 2, heads: 2, classes: 6, ...config }, createRng(1))
  for (const parameter of Object.values(parametersOf(network))) {
    if (parameter.rank > 1) tidy(() => parameter.assign(mul(parameter, 12)))
  }
  return { network, details: modelDetails }
}

function picture(seed: number, height: number, width: number, channels = 3): RawImage {
  const rng = createRng(seed)
  const tint = Array.from({ length: channels }, () => rng.integer(200))
  return {
    data: Uint8Array.from({ length: height * width * channels }, (_, i) => tint[i % channels]! + rng.integer(56)),
    height,
    width,
    channels,
  }
}

/** Probabilities by softmax in float64 of what the network makes of one prepared picture. */
async function expected({ network }: ReturnType<typeof lively>, pixels: Float32Array): Promise<number[]> {
  const result = tidy(() => forward(network, tensor4d(pixels, [1, 8, 8, 3])).logits)
  const logits = await valuesOf(result)
  dispose(result)
  const powers = Array.from(logits, (value) => Math.exp(value - Math.max(...logits)))
  return powers.map((power) => power / powers.reduce((total, each) => total + each, 0))
}

describeEachBackend(({ name, tolerances }) => {
  it('prepares pictures of any size and kind as the model says, and names classes by probability', async () => {
    const model = lively()
    const before = memory().numTensors
    const pictures = [picture(1, 31, 17), picture(2, 9, 40), picture(3, 8, 8), picture(4, 5, 5), picture(5, 100, 120)]
    const found = await classify(model, pictures, { top: 6, batchSize: 2 })
    for (const [i, image] of pictures.entries()) {
      const wanted = await expected(model, evaluationTransform(preprocessing)(image))
      expect(found[i]).toHaveLength(6)
      for (const each of found[i]!) {
        expect(Math.abs(each.probability - wanted[classNames.indexOf(each.class)]!)).toBeLessThan(tolerances.float64)
      }
      const probabilities = found[i]!.map(({ probability }) => probability)
      expect(probabilities).toEqual([...probabilities].sort((a, b) => b - a))
    }
    expect(new Set(found.map(([first]) => first!.class)).size).toBeGreaterThan(1)
    expect(memory().numTensors).toBe(before)
  })

  it.skipIf(name !== 'webgpu')('compiles the programs of the first pass all at once', async () => {
    const model = lively()
    const programs = watchPrograms()
    try {
      const found = await classify(model, [picture(1, 31, 17)])
      expect(found[0]).toHaveLength(5)
      expect(programs.ahead.length).toBeGreaterThan(5)
      // What makes the images is one program, which comes before.
      expect(programs.waiting).toEqual([expect.stringMatching(/^learngene normalisePixels/)])
    } finally {
      programs.end()
    }
  })

  it('gives the same in batches of any size, from arrays, promises and generators, without a tensor left', async () => {
    const model = lively()
    const before = memory().numTensors
    const pictures = [picture(1, 31, 17), picture(2, 9, 40), picture(3, 8, 8)]
    const whole = await classify(model, pictures)
    expect(whole.map((top) => top.length)).toEqual([5, 5, 5])
    async function* later() {
      yield* pictures
    }
    for (const others of [pictures.map(async (each) => each), later(), new Set(pictures)]) {
      const found = await classify(model, others, { top: 2, batchSize: 1 })
      for (const [i, top] of found.entries()) {
        expect(top.map((each) => each.class)).toEqual(whole[i]!.slice(0, 2).map((each) => each.class))
        for (const [k, { probability }] of top.entries()) expect(probability).toBeCloseTo(whole[i]![k]!.probability, 4)
      }
    }
    expect(await classify(model, [])).toEqual([])
    expect(memory().numTensors).toBe(before)
  })
})

describe('on one backend', () => {
  const prepare = async () => {
    await startBackend('wasm')
    return lively()
  }

  it('drops alpha, repeats grey for a model of colours, and makes colours grey for a grey model', async () => {
    const model = await prepare()
    const colours = picture(7, 12, 10)
    const withAlpha = (image: RawImage): RawImage => {
      const { channels } = image
      const data = new Uint8Array((image.data.length / channels) * (channels + 1))
      for (let i = 0; i < data.length; i++) {
        const [pixel, channel] = [Math.floor(i / (channels + 1)), i % (channels + 1)]
        data[i] = channel === channels ? (pixel * 37) % 256 : image.data[pixel * channels + channel]!
      }
      return { ...image, data, channels: channels + 1 }
    }
    const plain = await classify(model, [colours])
    expect(await classify(model, [withAlpha(colours)])).toEqual(plain)

    const shades = grey(colours)
    const repeated: RawImage = { ...shades, data: Uint8Array.from({ length: 360 }, (_, i) => shades.data[Math.floor(i / 3)]!), channels: 3 }
    const ofGrey = await classify(model, [repeated])
    expect(await classify(model, [shades])).toEqual(ofGrey)
    expect(await classify(model, [withAlpha(shades)])).toEqual(ofGrey)
    expect(ofGrey).not.toEqual(plain)

    const greyModel = lively({ channels: 1 }, { preprocessing: { ...preprocessing, mean: [0.5], std: [0.25] }, classNames } as never)
    const byGrey = await classify(greyModel, [shades])
    for (const image of [colours, withAlpha(colours), withAlpha(shades), repeated])
      expect(await classify(greyModel, [image])).toEqual(byGrey)
  })

  it('takes pictures of the size as they are where only a normalisation is stated, and takes the middle of others', async () => {
    await prepare()
    const { mean, std } = preprocessing
    const model = lively({}, { normalisation: { mean, std }, classNames } as never)
    const middle = lively({}, { preprocessing: { size: [8, 8], crop: 'center', cropPct: 1, interpolation: 'bicubic', mean, std }, classNames } as never) // biome-ignore format: short
    const asItIs = lively({}, { preprocessing: { size: [8, 8], resize: 'none', centerCrop: false, interpolation: 'bicubic', mean, std }, classNames } as never) // biome-ignore format: short
    const [exact, large] = [picture(8, 8, 8), picture(9, 20, 30)]
    expect(await classify(model, [exact])).toEqual(await classify(asItIs, [exact]))
    expect(await classify(model, [exact, large])).toEqual(await classify(middle, [exact, large]))
    await expect(classify(asItIs, [exact, large])).rejects.toThrow(
      "classify: pictures[1]: the preprocessing neither resizes nor crops images to the network's 8 x 8, so they must be of that size, got 20 x 30",
    )
  })

  it('numbers the classes of a model that names none, and says so once', async () => {
    const { network } = await prepare()
    const told: unknown[] = []
    const nameless = { network, details: { preprocessing } as unknown as JsonObject }
    const found = await classify(nameless, [picture(1, 9, 9), picture(2, 9, 9)], {
      top: 1,
      batchSize: 1,
      report: (event) => told.push(event),
    })
    expect(found.map(([first]) => first!.class)).toEqual([expect.stringMatching(/^class [0-5]$/), expect.stringMatching(/^class [0-5]$/)])
    expect(told).toEqual([{ kind: 'message', text: "the model names no classes: they are called 'class 0' to 'class 5'" }])
  })

  it('ends where its signal aborts', async () => {
    const model = await prepare()
    await expect(classify(model, [picture(1, 9, 9)], { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
  })

  const wrong = (value: unknown) => value as never
  const good = picture(1, 9, 9)
  it.each<[string, (model: ReturnType<typeof lively>) => Promise<unknown>, string]>([
    [
      'a network alone',
      ({ network }) => classify(wrong(network), [good]),
      'classify: model must be what loadModel gave: { network, details }; got',
    ],
    [
      'one picture',
      (model) => classify(model, wrong(good)),
      'classify: pictures must be a list of decoded pictures; got an object with data, height',
    ],
    ['a path', (model) => classify(model, wrong('a.jpg')), "classify: pictures must be a list of decoded pictures; got 'a.jpg'"],
    [
      'paths',
      (model) => classify(model, wrong([good, 'a.jpg'])),
      "classify: pictures[1]: a picture must be { data, height, width, channels }, as decodeBlob or, in Node, decodeImage gives it; got 'a.jpg'",
    ],
    [
      'nothing',
      (model) => classify(model, wrong([undefined])),
      'classify: pictures[0]: a picture must be { data, height, width, channels }',
    ],
    [
      'five channels',
      (model) => classify(model, [picture(1, 9, 9, 5)]),
      'a picture must have 1 to 4 channels: grey or RGB, with alpha or without; got 5',
    ],
    [
      'too few values',
      (model) => classify(model, [{ ...good, height: 10 }]),
      'a picture of 10 x 9 x 3 must have 270 values, and at least one; got 243',
    ],
    [
      'no pixels',
      (model) => classify(model, [{ ...good, height: 0, data: new Uint8Array(0) }]),
      'must have 0 values, and at least one; got 0',
    ],
    ['a top of 0', (model) => classify(model, [good], { top: 0 }), 'classify: top must be a positive integer; got 0'],
    ['a top of 1.5', (model) => classify(model, [good], { top: 1.5 }), 'classify: top must be a positive integer; got 1.5'],
    ['a top that is text', (model) => classify(model, [good], { top: wrong('3') }), "classify: top must be a positive integer; got '3'"],
    [
      'another option',
      (model) => classify(model, [good], wrong({ topK: 3 })),
      "classify: there is no option 'topK'; the options are top, batchSize, report, signal",
    ],
    [
      'no preprocessing',
      ({ network }) => classify({ network, details: { classNames } }, [good]),
      'classify: the model must say how its images are normalised',
    ],
    [
      'too few names',
      ({ network }) => classify({ network, details: { ...details, classNames: ['a'] } }, [good]),
      'details.classNames must be one text for each of its 6 classes; got an array of 1',
    ],
    [
      'another size',
      ({ network }) => classify({ network, details: wrong({ ...details, preprocessing: { ...preprocessing, size: [16, 16] } }) }, [good]),
      "its preprocessing must make images of the network's 8 x 8; it makes 16 x 16",
    ],
    [
      'one mean',
      ({ network }) => classify({ network, details: wrong({ normalisation: { mean: [0], std: [1] } }) }, [good]),
      'must take images of 1 or 3 channels, with a mean and a std for each; it takes 3, with 1 and 1',
    ],
  ])('refuses %s in one line', async (_, call, message) => {
    const model = await prepare()
    const before = memory().numTensors
    const error = await call(model).then(() => undefined, (reason: Error) => reason) // biome-ignore format: short
    expect(error?.message).toContain(message)
    expect(error?.message).not.toContain('\n')
    expect(error).not.toBeInstanceOf(TypeError)
    expect(memory().numTensors).toBe(before)
  })

  it('refuses a model of features alone, and one whose outputs are not numbers', async () => {
    await prepare()
    const features = lively({ classes: 0 }, { preprocessing } as never)
    await expect(classify(features, [good])).rejects.toThrow('classify: the model must have a classifier; it gives features alone')
    const broken = lively()
    const [first] = Object.values(parametersOf(broken.network))
    tidy(() => first!.assign(mul(first!, Number.NaN)))
    await expect(classify(broken, [good])).rejects.toThrow("classify: the model's outputs must be finite numbers; they are not")
  })
})
