import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { type Conversation, type ConversationOptions, converse } from './children.js'

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
