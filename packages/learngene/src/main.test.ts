import { BACKEND_NAMES } from '@learngene/backends'
import { describe, expect, it } from 'vitest'
import { run } from './io.fixture.js'
import { processIo } from './io.js'
import { BACKENDS } from './options.js'
import { createProgram } from './program.js'
import { version } from './version.js'

const commands = createProgram(processIo()).commands.map((command) => command.name())

describe('bad usage gets one line and exit code 2', () => {
  it.each([
    ['', `name a command: ${commands.join(', ')}; learngene --help tells more`],
    ['serch', "unknown command 'serch' (Did you mean search?)"],
    ['nonsense', "unknown command 'nonsense'"],
    ['--verbos', "unknown option '--verbos'"],
    ['search --run x --bugdet macs=1', "unknown option '--bugdet' (Did you mean --budget?)"],
    ['search --run x', 'search needs --budget <caps>, or an --objective other than accuracy; learngene search --help tells more'],
    ['search x', 'search needs --budget <caps>, or an --objective other than accuracy; learngene search --help tells more'],
    ['search --budget macs=1', 'search needs a run, such as learngene search runs/quickstart; learngene search --help tells more'],
    ['search a --run b --budget macs=1', 'search takes one run; got a and --run b; learngene search --help tells more'],
    ['search a b --budget macs=1', "too many arguments for 'search'. Expected 1 argument but got 2."],
    ['extract --path y', 'extract needs a run, such as learngene extract runs/quickstart; learngene extract --help tells more'],
    ['extract a --run b --path y', 'extract takes one run; got a and --run b; learngene extract --help tells more'],
    ['extract x', 'extract needs --path <path> or --budget <caps>; learngene extract --help tells more'],
    ['extract x --path y --budget macs=1', "option '--budget <caps>' cannot be used with option '--path <path>'"],
    ['extract x --budget flops=1', "unknown measure 'flops'"],
    ['search --run x --budget', "option '--budget <caps>' argument missing"],
    ['search --run x --budget macs=', 'a budget is a list of measure=cap'],
    ['search --run x --budget macs=lots', 'the cap of macs must be a positive number'],
    ['search --run x --budget flops=1', "unknown measure 'flops'"],
    [
      'search --run x --budget latency=1ms@gpu',
      "latency is measured on one of auto, tensorflow-gpu, webgpu, tensorflow, wasm, cpu: got 'gpu'",
    ],
    ['search --run x --budget macs=1M,batch=8', 'batch belongs to a cap on latency'],
    ['search --run x', 'search needs --budget <caps>, or an --objective other than accuracy'],
    ['search --run x --objective speed', 'an objective is one of accuracy, macs, parameters, memory, bytes, latency'],
    [
      'search --run x --objective macs',
      'the least macs is that of the worst model: search needs --min-accuracy <share> with --objective macs',
    ],
    ['search --run x --budget macs=1M --min-accuracy 85', 'It must be a share above 0 and at most 1, such as 0.85 or 85%.'],
    ['search --run x --budget macs=1M --profile p.json', '--profile belongs to a latency, such as --budget latency=20ms@wasm'],
    ['search --run x --budget latency=1ms@wasm --objective latency@cpu --min-accuracy 50%', 'latency is measured in one way'],
    ['extract x --budget macs=1M --anew', '--anew belongs to a latency, such as --budget latency=20ms@wasm'],
    [
      'run --out x --budget latency=1ms',
      'got latency; latency is measured on what the run has made, with: learngene search RUN --budget latency=',
    ],
    ['profile --batch 1', 'profile needs a run, such as learngene profile runs/quickstart'],
    ['quickstart extra', "too many arguments for 'quickstart'. Expected 0 arguments but got 1."],
    ['quickstart --seed -1', 'It must be an integer of at least 0.'],
    ['quickstart --seed 1.5', 'It must be an integer of at least 0.'],
    ['quickstart --workers 65', 'It must be an integer from 1 to 64.'],
    ['quickstart --backend cuda', 'Allowed choices are auto, tensorflow-gpu, webgpu, tensorflow, wasm, cpu.'],
    ['evaluate x --limit 0', 'It must be an integer of at least 1.'],
    ['extract --run x --path y --out z --dtype f64', 'Allowed choices are f32, f16.'],
  ])('learngene %s', async (line, message) => {
    const { code, stdout, stderr } = await run(line.split(' ').filter((word) => word !== ''))
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

describe('help', () => {
  it('of the program names every command', async () => {
    const { code, stdout } = await run(['--help'])
    expect(code).toBe(0)
    for (const command of commands) expect(stdout).toContain(`  ${command} `)
  })

  it('gives the version', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})

it('prints the stack where LEARNGENE_DEBUG asks for it, and only there', async () => {
  const argv = ['search', '--run', '/nowhere', '--budget', 'macs=1']
  expect((await run(argv)).stderr.split('\n')).toHaveLength(2)
  expect((await run(argv, { env: { LEARNGENE_DEBUG: '1' } })).stderr).toMatch(/\n {4}at /)
})

it('knows all backends', () => {
  expect(BACKENDS).toEqual(['auto', ...BACKEND_NAMES])
})
