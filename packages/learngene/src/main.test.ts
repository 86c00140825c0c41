import { BACKEND_NAMES } from '@learngene/backends'
import { describe, expect, it } from 'vitest'
import { run } from './io.fixture.js'
import { BACKENDS } from './options.js'
import { version } from './version.js'

const commands = [
  'quickstart',
  'run',
  'status',
  'paths',
  'search',
  'extract',
  'cut',
  'classify',
  'evaluate',
  'report',
  'verify',
  'backends',
  'doctor',
  'install-tensorflow',
]

describe('bad usage gets one line and exit code 2', () => {
  it.each([
    [
      '',
      'name a command: quickstart, run, status, paths, search, extract, cut, classify, evaluate, report, verify, bench, backends, doctor, install-tensorflow',
    ],
    ['serch', "unknown command 'serch' (Did you mean search?)"],
    ['nonsense', "unknown command 'nonsense'"],
    ['--verbos', "unknown option '--verbos'"],
    ['search --run x --bugdet macs=1', "unknown option '--bugdet' (Did you mean --budget?)"],
    ['search --run x', 'search needs --budget <caps>; learngene search --help tells more'],
    ['search --run x --budget', "option '--budget <caps>' argument missing"],
    ['search --run x --budget macs=', 'a budget is a list of measure=cap'],
    ['search --run x --budget macs=lots', 'the cap of macs must be a positive number'],
    ['search --run x --budget flops=1', "unknown measure 'flops'"],
    ['search --run x --budget latency=1ms', 'Models are measured in macs, parameters, memory; got latency.'],
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
  it.each(commands)('%s explains itself, --json and --seed, and gives an example', async (command) => {
    const { code, stdout, stderr } = await run([command, '--help'])
    expect(code).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toMatch(
      new RegExp(
        `Usage: learngene ${command} .*--json.*--seed|Usage: learngene ${command} [\\s\\S]*Example:\\n {2}\\$ learngene ${command} `,
      ),
    )
    expect(stdout).toContain('--json')
    expect(stdout).toContain('--seed')
  })

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
