import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory, writeModel } from '../run.fixture.js'
import { ask, health, until } from './client.fixture.js'
import { shadePng } from './engine.fixture.js'

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
const isBuilt = existsSync(bin) && existsSync(join(bin, '../serve/engine-thread.js'))
const reason = isBuilt ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'

describe.skipIf(!isBuilt)(`learngene serve as a process${reason}`, () => {
  let root: string
  let model: string
  beforeAll(async () => {
    root = await temporaryDirectory()
    model = join(root, 'model.safetensors')
    await writeModel(model)
  })
  afterAll(() => rm(root, { recursive: true }))

  /** Starts the command and waits until it listens. */
  async function start(
    ...more: string[]
  ): Promise<{ child: ChildProcess; url: string; ended: Promise<{ code: number | null; stderr: string }> }> {
    const child = spawn(process.execPath, [bin, 'serve', model, '--port', '0', '--backend', 'wasm', '--json', ...more])
    let [stdout, stderr] = ['', '']
    child.stderr.on('data', (part) => {
      stderr += part
    })
    const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => child.on('close', (code) => resolve({ code, stderr })))
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (part) => {
        stdout += part
        try {
          resolve(JSON.parse(stdout).url)
        } catch {}
      })
      void ended.then(() => reject(new Error(stderr)))
    })
    return { child, url, ended }
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('answers what was taken on %s, refuses the rest, and ends with exit code 0', async (signal) => {
    const { child, url, ended } = await start('--batch-size', '1')
    const png = await shadePng(90, 28)
    const agent = new Agent({ keepAlive: true })
    expect((await ask(url, png, agent)).status).toBe(200)
    const { hostname, port } = new URL(url)
    // A request whose body is still on its way when the signal comes.
    const socket = connect(Number(port), hostname)
    socket.write(`POST /classify HTTP/1.1\r\nHost: here\r\nContent-Length: ${png.length}\r\n\r\n`)
    await until(async () => (await health({ url })).requests.open === 1)
    const answers = Promise.all(Array.from({ length: 20 }, () => ask(url, png, agent).catch((error: Error) => ({ status: 0, error }))))
    await until(async () => (await health({ url })).requests.answered >= 5)
    child.kill(signal)
    let text = ''
    socket.on('data', (part) => {
      text += part
    })
    const isClosed = new Promise((resolve) => socket.on('close', resolve))
    setTimeout(() => socket.write(png), 300)
    await isClosed
    expect(text).toContain('HTTP/1.1 200 OK')
    expect(text.toLowerCase()).toContain('connection: close')
    const statuses = (await answers).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(5)
    expect(statuses.filter((status) => ![200, 503, 0].includes(status))).toEqual([])
    await expect(ask(url, png)).rejects.toThrow('ECONNREFUSED')
    expect(await ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/shutting down: answering what was taken\n$/) })
    agent.destroy()
  })

  it('ends with 1 and one line where the port is taken', async () => {
    const { child, url, ended } = await start()
    const { port } = new URL(url)
    await expect(start('--port', port)).rejects.toThrow(`learngene: port ${port} of 127.0.0.1 is in use: name another with --port`)
    child.kill()
    expect((await ended).code).toBe(0)
  })
})
