import { expect, it } from 'vitest'
import { encoded, parquetFile } from './parquet.fixture.js'
import { parquetDataset } from './parquet-dataset.js'

it('reads fetched bytes and decodes as the page does', async () => {
  const image = encoded.map(({ file }, i) => ({ bytes: file, path: `${i}.png` }))
  const url = URL.createObjectURL(new Blob([parquetFile({ image, label: [0, 1, 1, 0, 2] }) as Uint8Array<ArrayBuffer>]))
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer())
  const dataset = await parquetDataset([{ name: 'x.parquet', bytes }])
  expect([dataset.classes, Array.from(dataset.labels)]).toEqual([
    ['0', '1', '2'],
    [0, 1, 1, 0, 2],
  ])
  expect(await Promise.all([4, 0, 3].map((index) => dataset.picture(index)))).toEqual([4, 0, 3].map((index) => encoded[index]!.image))
  expect(await dataset.fingerprint()).toMatch(/^[0-9a-f]{64}$/)
  const broken = await parquetDataset([{ name: 'y', bytes: parquetFile({ image: [{ bytes: Uint8Array.of(1), path: null }] }) }])
  await expect(broken.picture(0)).rejects.toThrow('y, row 0: blob of 1 bytes: cannot be decoded as an image')
})
