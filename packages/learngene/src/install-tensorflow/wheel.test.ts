import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { openWheel, parseMetadata } from './wheel.js'
import { metadata, wheelFiles, zip } from './zip.fixture.js'

let root: string
let file: string
beforeEach(async () => {
  root = await temporaryDirectory()
  file = join(root, 'tensorflow.whl')
})
afterEach(() => rm(root, { recursive: true }))

const { signal } = new AbortController()
const folders = () => ({ libraries: join(root, 'lib'), headers: join(root, 'include') })

async function extract() {
  const wheel = await openWheel(file)
  try {
    let bytes = 0
    await wheel.extract(folders(), signal, (more) => {
      bytes += more
    })
    return { wheel, bytes }
  } finally {
    wheel.close()
  }
}

describe.each([{ stored: true }, { stored: false }])('a wheel with %o entries', (packing) => {
  it('tells what it is, and gives its libraries and the headers that are needed', async () => {
    await writeFile(file, zip(wheelFiles, packing))
    const { wheel, bytes } = await extract()
    expect(wheel).toMatchObject({ name: 'tensorflow_cpu', version: '2.21.0', libraryBytes: 100_009 })
    expect(bytes).toBe(100_009 + '// c_api// ctstring'.length)
    expect((await readdir(folders().libraries)).sort()).toEqual(['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'])
    expect(new Uint8Array(await readFile(join(root, 'lib', 'libtensorflow_cc.so.2')))).toEqual(
      wheelFiles['tensorflow/libtensorflow_cc.so.2'],
    )
    expect((await readdir(folders().headers, { recursive: true })).filter((name) => name.endsWith('.h')).sort()).toEqual([
      'tensorflow/c/c_api.h',
      'tsl/platform/ctstring.h',
    ])
  })

  it('that is cut off anywhere is refused', async () => {
    const whole = zip(wheelFiles, packing)
    for (const length of [0, 10, 1000, whole.length - 200, whole.length - 1]) {
      await writeFile(file, whole.subarray(0, length))
      await expect(openWheel(file)).rejects.toThrow(/tensorflow\.whl is not a whole wheel \(.+\); download it again$/)
    }
  })

  it('with another byte in it is refused when it is unpacked', async () => {
    const damaged = zip(wheelFiles, packing)
    damaged[300]! ^= 1
    await writeFile(file, damaged)
    await expect(extract()).rejects.toThrow(/^the wheel is damaged at tensorflow\/libtensorflow_cc\.so\.2 \(.+\); download it again$/)
  })
})

it('refuses what is no wheel, or not one of TensorFlow for Linux', async () => {
  const without = (name: string) => Object.fromEntries(Object.entries(wheelFiles).filter(([key]) => !key.includes(name)))
  await expect(openWheel(join(root, 'none.whl'))).rejects.toThrow(/^there is no wheel .*none\.whl$/)
  for (const [content, message] of [
    ['not a zip archive at all', 'is not a whole wheel'],
    [zip(without('METADATA')), 'cannot be used: it has no *.dist-info/METADATA, so it is not a wheel'],
    [zip(without('_framework')), 'cannot be used: it has no tensorflow/libtensorflow_framework.so.2; give a wheel of tensorflow'],
    [zip({ ...wheelFiles, 'tensorflow_cpu-2.21.0.dist-info/METADATA': 'Name: tensorflow_cpu' }), 'has no Name or no Version'],
    [zip({ ...wheelFiles, 'tensorflow/include/tensorflow/c/../../../../../evil.h': '' }), 'cannot be used: invalid relative path'],
  ] as const) {
    await writeFile(file, content)
    await expect(openWheel(file)).rejects.toThrow(message)
  }
})

it('stops where it is told to', async () => {
  await writeFile(file, zip(wheelFiles))
  const wheel = await openWheel(file)
  await expect(wheel.extract(folders(), AbortSignal.abort(), () => {})).rejects.toMatchObject({ name: 'AbortError' })
  wheel.close()
})

it('reads the CUDA libraries that a wheel asks for', () => {
  expect(parseMetadata(metadata('Tensorflow-CPU', '2.19.1').replaceAll('\n', '\r\n'))).toEqual({
    name: 'tensorflow_cpu',
    version: '2.19.1',
    cudaRequirements: ['nvidia-cublas-cu12<13.0,>=12.5.3.2', 'nvidia-cudnn-cu12<10.0,>=9.3.0.75'],
  })
})
