import { expect, it } from 'vitest'
import { sha256 } from './canonical-json.js'
import type { ArtifactStore } from './store.js'

const key = 'a'.repeat(64)
const other = 'b'.repeat(64)
const text = (value: string) => new TextEncoder().encode(value)

/** What every kind of store does. `fresh` gives an empty one, `again` one on what the last fresh one has kept. */
export function describeStore(fresh: () => Promise<ArtifactStore>, again: () => Promise<ArtifactStore>): void {
  it('gives back what was written, by name and in parts', async () => {
    await (await fresh()).write('tier:w192', key, { 'weights.bin': text('weights'), 'onnx/model.onnx': text('') }, { top1: 0.5 })
    const artifact = await (await again()).read('tier:w192')
    expect(artifact).toMatchObject({ stage: 'tier:w192', info: { top1: 0.5 } })
    expect(artifact.manifest).toMatchObject({
      schema: 1,
      stage: 'tier:w192',
      key,
      createdBy: expect.stringMatching(/^@learngene\/recipe \d/),
    })
    expect(artifact.manifest.files['weights.bin']).toEqual({ bytes: 7, sha256: await sha256('weights') })
    expect(await artifact.read('weights.bin')).toEqual(text('weights'))
    expect(await artifact.read('onnx/model.onnx')).toEqual(new Uint8Array(0))
    const source = await artifact.source('weights.bin')
    expect([source.byteLength, await source.slice(1, 4)]).toEqual([7, text('eig')])
    await artifact.verify()
    await expect(artifact.read('nothing')).rejects.toThrow(/tier-w192 has no file 'nothing'; it has weights.bin, onnx\/model.onnx$/)
  })

  it('keeps no hold of what it was given', async () => {
    const store = await fresh()
    const bytes = text('weights')
    await store.write('pool', key, { file: bytes }, {})
    bytes.fill(0)
    ;(await (await store.read('pool')).read('file')).fill(1)
    expect(await (await store.read('pool')).read('file')).toEqual(text('weights'))
  })

  it('replaces an artifact as a whole, and removes it', async () => {
    const store = await fresh()
    await store.write('pool', key, { first: text('1'), both: text('1') }, {})
    await store.write('pool', other, { second: text('2'), both: text('2') }, {})
    const artifact = await store.read('pool')
    expect([artifact.manifest.key, Object.keys(artifact.manifest.files)]).toEqual([other, ['second', 'both']])
    expect(await artifact.read('both')).toEqual(text('2'))
    await store.remove('pool')
    expect(await store.find('pool')).toEqual({ state: 'absent' })
    await store.remove('pool')
    await expect(store.read('pool')).rejects.toThrow(/: there is no artifact of 'pool'; run that stage first$/)
  })

  it('lists what is whole', async () => {
    const store = await fresh()
    expect(await store.list()).toEqual([])
    for (const name of ['tune', 'tier:a']) await store.write(name, key, {}, {})
    await store.saveCheckpoint('pool', key, text('state'), { step: 1 })
    expect((await (await again()).list()).map(({ stage }) => stage)).toEqual(['tier:a', 'tune'])
  })

  it('keeps the last checkpoint of a stage until its artifact is written', async () => {
    const store = await fresh()
    expect(await store.findCheckpoint('pool')).toEqual({ state: 'absent' })
    const account = { images: 10, macs: 1e12, seconds: 0.5, peakBytes: 1000 }
    await store.saveCheckpoint('pool', key, text('first'), { step: 1 })
    await store.saveCheckpoint('pool', key, text('second'), { step: 2, total: 4, account })
    const kept = await again()
    const header = { schema: 1, stage: 'pool', key, step: 2, total: 4, account, bytes: 6, sha256: await sha256('second') }
    expect(await kept.findCheckpoint('pool')).toEqual({ state: 'whole', value: header })
    expect(await kept.loadCheckpoint('pool', key)).toEqual({ state: 'whole', value: { ...header, content: text('second') } })
    expect(await kept.loadCheckpoint('pool', other)).toEqual({ state: 'absent' })
    await kept.write('pool', key, {}, {})
    expect(await kept.findCheckpoint('pool')).toEqual({ state: 'absent' })
    await kept.saveCheckpoint('pool', key, text(''), { step: 0 })
    await kept.removeCheckpoint('pool')
    expect(await kept.loadCheckpoint('pool', key)).toEqual({ state: 'absent' })
  })

  it('keeps how an artifact came about', async () => {
    const store = await fresh()
    const depends = { settings: { steps: 3 }, needs: { pool: key }, fingerprints: { data: 'f' } }
    const account = { images: 10, macs: 1e12, seconds: 0.5 }
    await store.write('tune', key, {}, {}, { depends, account })
    expect((await store.read('tune')).manifest).toMatchObject({ depends, account })
  })

  it.each([
    ['a name that leads out', (store: ArtifactStore) => store.find('../pool'), "a stage's name must have letters"],
    ['no name', (store: ArtifactStore) => store.write('', key, {}, {}), "a stage's name must have letters"],
    ['no key', (store: ArtifactStore) => store.write('pool', 'key', {}, {}), 'key must be a SHA-256 in hexadecimal; got "key"'],
    [
      'a file that leads out',
      (store: ArtifactStore) => store.write('pool', key, { '../x': text('') }, {}),
      "a file's name must have letters",
    ],
    ["the manifest's name", (store: ArtifactStore) => store.write('pool', key, { 'artifact.json': text('') }, {}), 'not be artifact.json'],
    [
      'a file and its folder',
      (store: ArtifactStore) => store.write('pool', key, { x: text(''), 'x/y': text('') }, {}),
      "'x' cannot be a file",
    ],
    ['names that differ in case', (store: ArtifactStore) => store.write('pool', key, { x: text(''), X: text('') }, {}), "got 'x' and 'X'"],
    ['no bytes', (store: ArtifactStore) => store.write('pool', key, { x: 'text' as never }, {}), "pool/x must be a Uint8Array; got 'text'"],
    [
      'info that is no JSON',
      (store: ArtifactStore) => store.write('pool', key, {}, { x: Number.NaN }),
      'info.x must be plain data; got NaN',
    ],
    ['half a step', (store: ArtifactStore) => store.saveCheckpoint('pool', key, text(''), { step: 0.5 }), 'step must be an integer'],
  ])('refuses %s in one line and writes nothing', async (_, attempt, message) => {
    const store = await fresh()
    const error = await attempt(store).then(
      () => undefined,
      (error) => error as Error,
    )
    expect(error?.message).toContain(message)
    expect(error?.message).not.toContain('\n')
    expect([await store.find('pool'), await store.findCheckpoint('pool')]).toEqual([{ state: 'absent' }, { state: 'absent' }])
  })
}
