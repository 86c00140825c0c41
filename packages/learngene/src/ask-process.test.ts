import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askProcess } from './ask-process.js'
import { temporaryDirectory } from './temporary-directory.fixture.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

/** Asks a process of this source. */
async function ask(source: string, signal?: AbortSignal) {
  const file = join(root, `${Math.random()}.mjs`)
  await writeFile(file, source)
  return askProcess(pathToFileURL(file), { a: 1 }, (stderr, ended) => `${ended} | ${stderr.trim()}`, signal)
}

describe('a process that is asked', () => {
  it('answers', async () => {
    expect(await ask("process.once('message', (request) => process.send({ got: request }, () => process.exit(0)))")).toEqual({
      got: { a: 1 },
    })
  })

  it('may hang or crash after its answer', async () => {
    expect(await ask("process.once('message', () => { process.send(1); setInterval(() => {}, 1000) })")).toBe(1)
    expect(await ask("process.once('message', () => process.send(1, () => process.abort()))")).toBe(1)
  })

  it.each([
    ['throws', "console.error('no luck'); process.exit(3)", 'exit code 3 | no luck'],
    ['ends without an answer', 'process.exit(0)', 'exit code 0 | '],
    ['is killed', "process.kill(process.pid, 'SIGSEGV')", 'ended by SIGSEGV | '],
  ])('is an error where it %s', async (_, source, message) => {
    await expect(ask(source)).rejects.toThrow(new Error(message))
  })

  it('is ended by the signal, even where it does not listen', async () => {
    const source = "process.on('SIGTERM', () => {}); process.once('message', () => { for (;;); })"
    await expect(ask(source, AbortSignal.timeout(1000))).rejects.toThrow('aborted')
  })
})
