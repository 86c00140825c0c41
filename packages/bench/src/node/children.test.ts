import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Conversation, type ConversationOptions, converse, startPyTorch } from './children.js'

let open: Conversation[] = []

afterEach(() => {
  for (const conversation of open) conversation.end()
  open = []
})

/** A child that answers each line of its input by what `body` makes of it. */
function child(body: string, options: Partial<ConversationOptions> = {}, command = process.execPath): Conversation {
  const script = `require('readline').createInterface({ input: process.stdin }).on('line', (line) => { ${body} })`
  const started = spawn(command, ['-e', script], { stdio: ['pipe', 'pipe', 'pipe'] })
  started.stdin.on('error', () => {})
  const line = {
    send: (message: object) => void started.stdin.write(`${JSON.stringify(message)}\n`),
    listen: (receive: (message: unknown) => void) =>
      void createInterface({ input: started.stdout }).on('line', (text) => receive(JSON.parse(text))),
  }
  const conversation = converse(started, line, { timeoutMs: 60_000, ...options })
  open.push(conversation)
  return conversation
}

describe('a conversation with a child process', () => {
  it('brings each answer to its question', async () => {
    const { ask } = child('console.log(line)')
    expect(await ask({ question: 1 })).toEqual({ question: 1 })
    expect(await ask({ question: 2 })).toEqual({ question: 2 })
  })

  it('throws what the child answers as an error, and goes on', async () => {
    const { ask } = child(`console.log(line.includes('bad') ? '{"kind":"error","message":"it is bad"}' : line)`)
    await expect(ask({ bad: true })).rejects.toThrow(/^it is bad$/)
    expect(await ask({ good: true })).toEqual({ good: true })
  })

  it('says how a child ended, with its last words', async () => {
    const { ask } = child(`console.error('first'); console.error('no memory left'); process.exitCode = 3; process.stdin.destroy()`)
    await expect(ask({})).rejects.toThrow(/^its process ended with exit code 3: no memory left$/)
    await expect(ask({})).rejects.toThrow('exit code 3')
  })

  it('says that a child was killed', async () => {
    const { ask } = child(`process.kill(process.pid, 'SIGSEGV')`)
    await expect(ask({})).rejects.toThrow(/^its process ended with SIGSEGV$/)
  })

  it('ends a child that takes too long over all its answers', async () => {
    const { ask } = child('', { timeoutMs: 300 })
    await expect(ask({})).rejects.toThrow(/^it took longer than 0.3 s$/)
    await expect(ask({})).rejects.toThrow('longer than')
  })

  it('ends a child when its signal aborts', async () => {
    const abort = new AbortController()
    const { ask } = child('', { signal: abort.signal })
    const answer = ask({})
    abort.abort(new Error('interrupted'))
    await expect(answer).rejects.toThrow('interrupted')
  })

  it('says that a program cannot be started', async () => {
    const { ask } = child('', {}, '/nonexistent/program')
    await expect(ask({})).rejects.toThrow(/its process cannot be started: .*ENOENT/)
  })
})

describe('a participant that does not start', () => {
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'learngene-children-'))
  })
  afterAll(() => rm(dir, { recursive: true }))

  /** Starts what stands in for a Python with PyTorch: a program whose text this is. */
  async function start(text: string, timeoutMs = 60_000, signal?: AbortSignal): Promise<unknown> {
    const python = join(dir, `${Math.random()}`)
    await writeFile(python, text, { mode: 0o755 })
    const model = { imageSize: 8, patchSize: 4, channels: 1, width: 8, depth: 1, heads: 2, classes: 3 }
    return startPyTorch({ what: 'train', model, batch: 2 }, { python, threads: 1, device: 'cpu', timeoutMs, signal })
  }
  const pidFile = () => join(dir, 'pid')
  const serving = (answer: string) => `#!${process.execPath}
require('fs').writeFileSync(${JSON.stringify(pidFile())}, String(process.pid))
setInterval(() => {}, 1000)
require('readline').createInterface({ input: process.stdin }).on('line', () => { ${answer} })
`
  const pid = async () => Number(await readFile(pidFile(), 'utf8'))
  const lives = (id: number) => {
    try {
      return process.kill(id, 0)
    } catch {
      return false
    }
  }

  it.each([
    ['refuses', `console.log('{"kind":"error","message":"no such device"}')`, 60_000, 'no such device'],
    ['takes too long', '', 5000, 'it took longer than 5 s'],
    ['is killed', `process.kill(process.pid, 'SIGKILL')`, 60_000, 'its process ended with SIGKILL'],
  ])('is ended where it %s', async (_, answer, timeoutMs, message) => {
    await expect(start(serving(answer), timeoutMs)).rejects.toThrow(message)
    const id = await pid()
    await expect.poll(() => lives(id), { timeout: 10_000 }).toBe(false)
  })

  it('is ended where the work is given up meanwhile', async () => {
    const abort = new AbortController()
    await rm(pidFile(), { force: true })
    const answer = start(serving(''), 60_000, abort.signal)
    await expect.poll(() => pid().catch(() => 0), { timeout: 10_000 }).toBeGreaterThan(0)
    abort.abort(new Error('interrupted'))
    await expect(answer).rejects.toThrow('interrupted')
    const id = await pid()
    await expect.poll(() => lives(id), { timeout: 10_000 }).toBe(false)
  })

  it('holds no pipe where the Python is a script that starts another program', async () => {
    const pipes = () => process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length
    const before = pipes()
    await expect(start(`#!/bin/sh\nsleep 1000 &\necho $! > '${pidFile()}'\nwait\n`, 2000)).rejects.toThrow('longer than 2 s')
    const id = await pid()
    onTestFinished(() => void process.kill(id))
    expect(lives(id)).toBe(true)
    await expect.poll(pipes, { timeout: 10_000 }).toBe(before)
  })
})
