import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { askProcess } from './ask-process.js'
import { temporaryDirectory } from './temporary-directory.fixture.js'

let root: string
beforeAll(async () => {
  root = await temporaryDirectory()
})
afterAll(() => rm(root, { recursive: true }))

/** Asks a process of this source. */
async function ask(source: string, signal?: AbortSignal, seconds = 60) {
  const file = join(root, `${Math.random()}.mjs`)
  await writeFile(file, source)
  return askProcess(pathToFileURL(file), { a: 1 }, (stderr, ended) => `${ended} | ${stderr.trim()}`, { seconds, signal })
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

  it('is an error where it hangs, and does not live on', async () => {
    const file = join(root, 'id')
    const source = `import { writeFileSync } from 'node:fs'; console.error('a warning'); writeFileSync(${JSON.stringify(file)}, String(process.pid)); for (;;);`
    await expect(ask(source, undefined, 1)).rejects.toThrow(new Error('no answer within 1 s | '))
    const id = Number(await readFile(file, 'utf8'))
    await vi.waitFor(() => expect(() => process.kill(id, 0)).toThrow('ESRCH'))
  })

  it('is ended by the signal, even where it does not listen', async () => {
    const source = "process.on('SIGTERM', () => {}); process.once('message', () => { for (;;); })"
    await expect(ask(source, AbortSignal.timeout(1000))).rejects.toThrow('aborted')
  })
})
