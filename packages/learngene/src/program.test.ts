import { describe, expect, it } from 'vitest'
import { run } from './io.fixture.js'
import { createProgram } from './program.js'

/** What a command does without, and why: none does. */
const exempt: { readonly [command: string]: { readonly [flag: string]: string } } = {}

const silent = { stdout: { write: () => {} }, stderr: { write: () => {} }, signal: new AbortController().signal, env: {} }
const { commands } = createProgram(silent)

describe.each(commands.map((command) => [command.name(), command] as const))('learngene %s', (name, command) => {
  it.each(['--json', '--seed', '--quiet'])(`has ${exempt[name] ? '(but for what is exempt) ' : ''}%s`, (flag) => {
    const has = command.options.some(({ long }) => long === flag)
    expect(has, exempt[name]?.[flag]).toBe(exempt[name]?.[flag] === undefined)
  })

  it('has a description, and says what each option and argument is', () => {
    expect(command.description()).toMatch(/^[A-Z].{20,}\.$/s)
    for (const { flags, description } of command.options) expect(description, flags).not.toBe('')
    for (const argument of command.registeredArguments) expect(argument.description, argument.name()).not.toBe('')
  })

  it('ends its help with an example of itself, whose options it knows', async () => {
    const { code, stdout, stderr } = await run([name, '--help'])
    expect([code, stderr]).toEqual([0, ''])
    const examples = stdout.slice(stdout.indexOf('\nExample:\n')).match(/^ {2}\$ learngene .*$/gm) ?? []
    expect(examples.length).toBeGreaterThan(0)
    for (const example of examples) {
      expect(example.startsWith(`  $ learngene ${name}`), example).toBe(true)
      const given = example.match(/--[a-z-]+/g) ?? []
      for (const flag of given)
        expect(
          command.options.map(({ long }) => long),
          example,
        ).toContain(flag)
    }
  })
})

it('exempts commands that there are', () => {
  expect(commands.map((command) => command.name())).toEqual(expect.arrayContaining(Object.keys(exempt)))
})
