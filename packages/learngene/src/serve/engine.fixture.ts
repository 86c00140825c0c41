import type { RawImage } from '@learngene/interfaces'
import sharp from 'sharp'
import type { Prediction } from '../predict/classify.js'
import type { Engine, ServedModel } from './engine.js'

const model = (name: string, macs: number, latency: number | null): ServedModel => ({
  ...{ name, macs, latency, parameters: macs / 10, memory: macs / 2 },
  ...{ validationAccuracy: 0.9, testAccuracy: 0.8 },
})

/** An engine of three models that takes grey pictures of 4 x 4 and answers with their first pixel, when it is told to. */
export function fakeEngine({ hold = false }: { readonly hold?: boolean } = {}) {
  const batches: { readonly model: number; readonly pictures: readonly RawImage[]; readonly top: number; end(error?: Error): void }[] = []
  let fail = (_: Error) => {}
  const failed = new Promise<Error>((resolve) => {
    fail = resolve
  })
  const engine: Engine = {
    address: 'fake',
    backend: 'none',
    models: [model('large', 3e6, null), model('middle', 2e6, 5), model('small', 1e6, 2)],
    chosen: 1,
    classNames: ['dark', 'bright', 'other'],
    preprocessing: { size: [4, 4], crop: 'center', cropPct: 1, interpolation: 'bicubic', mean: [0.5], std: [0.5] },
    failed,
    classify: (model, pictures, top) =>
      new Promise<Prediction[][]>((resolve, reject) => {
        const answer = pictures.map(({ data }): Prediction[] =>
          [
            { class: data[0]! < 128 ? 'dark' : 'bright', probability: 0.7 },
            { class: 'other', probability: 0.2 },
            { class: String(data[0]), probability: 0.1 },
          ].slice(0, top),
        )
        batches.push({ model, pictures, top, end: (error) => (error ? reject(error) : resolve(answer)) })
        if (!hold) batches.at(-1)!.end()
      }),
    close: async () => {},
  }
  return { engine, batches, fail: (error: Error) => fail(error) }
}

/** A grey picture of one shade, as a PNG file. */
export const shadePng = (shade: number, size = 4): Promise<Buffer> =>
  sharp(new Uint8Array(size * size).fill(shade), { raw: { width: size, height: size, channels: 1 } })
    .png()
    .toBuffer()
