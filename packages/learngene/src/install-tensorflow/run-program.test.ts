import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { programs } from './programs.fixture.js'
import { runProgram, tellingLine } from './run-program.js'

let root: string
let options: Awaited<ReturnType<typeof programs>>
beforeAll(async () => {
  root = await temporaryDirectory()
  options = await programs(root, {
    good: 'echo "$1 and $2"; echo noise >&2',
    bad: 'echo starting >&2; echo "x.cc:3: error: no such type" >&2; echo compilation terminated. >&2; exit 3',
    silent: 'exit 4',
    slow: 'while :; do :; done',
  })
})
afterAll(() => rm(root, { recursive: true }))

it('gives what a program printed', async () => {
  expect(await runProgram('good', ['this', 'that'], options)).toBe('this and that\n')
})

it('says what a program that failed had to say', async () => {
  const bad = await runProgram('bad', [], options).catch((error) => error)
  expect(bad).toMatchObject({ message: 'bad ended with exit code 3: x.cc:3: error: no such type', exitCode: 3, missing: false })
  expect(bad.output).toContain('compilation terminated.')
  await expect(runProgram('silent', [], options)).rejects.toThrow(/^silent ended with exit code 4$/)
})

it('tells a program that is not there from one that failed', async () => {
  await expect(runProgram('none', [], options)).rejects.toMatchObject({ message: 'none is not there', missing: true })
})

it('ends a program that is not wanted any more', async () => {
  const abort = new AbortController()
  const running = runProgram('slow', [], { ...options, signal: abort.signal })
  abort.abort()
  await expect(running).rejects.toMatchObject({ name: 'AbortError' })
})

it('finds the line that tells most', () => {
  expect(tellingLine('a\nERROR: first\nERROR: second\n')).toBe('ERROR: first')
  expect(tellingLine('a\n  b  \n\n')).toBe('b')
  expect(tellingLine('\n')).toBeUndefined()
})
