import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { diskStore } from '@learngene/recipe/node'
import { killAndResume } from '@learngene/testing/kill-and-resume'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stagesOfRun } from '../run/run-folder.js'
import { smallRun, writeSmallPictures } from '../run/small-pictures.fixture.js'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { decodeUnits, type UnitLine, wavesOf } from './unit-file.js'

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
const reason = existsSync(bin) ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'
// LEARNGENE_KILLS=100 npx vitest run packages/learngene/src/units for more.
const kills = Number(process.env.LEARNGENE_KILLS ?? 3)

describe.skipIf(reason !== '')(`units of a run${reason}`, () => {
  let root: string
  let whole: string
  let apart: string
  const config = () => join(root, 'config.json')
  const run = (...args: string[]) => execFileSync(process.execPath, [bin, ...args], { encoding: 'utf8', stdio: 'pipe' })
  const start = (...args: string[]) => promisify(execFile)(process.execPath, [bin, ...args])
  const list = (dir: string, ...more: string[]) =>
    JSON.parse(run('run', '--config', config(), '--out', dir, '--units', join(dir, 'units.jsonl'), '--json', ...more))
  const unitsOf = (dir: string) => decodeUnits(readFileSync(join(dir, 'units.jsonl'), 'utf8'), 'units.jsonl')
  const indexOf = (dir: string, stage: string) => String(unitsOf(dir).findIndex((unit) => unit.stage === stage))
  const runUnit = (dir: string, stage: string) =>
    JSON.parse(run('unit', 'run', join(dir, 'units.jsonl'), '--index', indexOf(dir, stage), '--json', '--quiet'))
  const failing = (dir: string, stage: string) => {
    try {
      runUnit(dir, stage)
    } catch (error) {
      return String((error as { stderr: string }).stderr)
    }
    return 'no error'
  }
  const artifacts = async (dir: string) =>
    (await diskStore(stagesOfRun(dir)).list()).map(({ stage, manifest: { key, files } }) => [stage, key, files])
  const reportOf = (dir: string) => {
    const { times: _, ...described } = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8'))
    return described
  }

  beforeAll(async () => {
    root = await temporaryDirectory()
    await writeSmallPictures(join(root, 'pictures'))
    const tiers = [
      { width: 6, epochs: 60 },
      { width: 8, epochs: 2 },
    ]
    writeFileSync(config(), JSON.stringify({ ...smallRun, tiers, images: { training: join(root, 'pictures') } }))
    whole = join(root, 'whole')
    apart = join(root, 'apart')
    run('run', '--config', config(), '--out', whole, '--backend', 'wasm', '--workers', '1', '--quiet')
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  it('are listed without computing anything, wave by wave, each with what it reads', () => {
    const listed = list(apart, '--backend', 'wasm', '--workers', '1', '--shares', '3')
    const units = unitsOf(apart)
    expect(listed).toMatchObject({ units: units.length, waves: wavesOf(units) })
    expect(units.map(({ wave, stage }) => `${wave} ${stage}`)).toEqual([
      '0 ancestor',
      '1 inherit:w6',
      '1 inherit:w8',
      ...['2 tier:w6', '2 tier:w8', '2 pool'],
      ...['3 preview.1of3', '3 preview.2of3', '3 preview.3of3', '3 stitches'],
      ...['4 preview', '4 tune'],
      ...['5 evaluate.1of3', '5 evaluate.2of3', '5 evaluate.3of3'],
      '6 evaluate',
    ])
    expect(new Set(units.map(({ of, backend, workers }) => [of, backend, workers].join()))).toEqual(new Set(['.,wasm,1']))
    const named = Object.fromEntries(units.map((unit) => [unit.stage, unit]))
    expect(named['tier:w6']!.inputs).toMatchObject({ ancestor: named.ancestor!.key, 'inherit:w6': named['inherit:w6']!.key })
    expect(readdirSync(stagesOfRun(apart))).toEqual([])
  })

  it('are written over no file of others', () => {
    const notes = join(root, 'notes.txt')
    writeFileSync(notes, 'mine')
    expect(() => run('run', '--config', config(), '--out', apart, '--units', notes)).toThrow('notes.txt exists and is no file of units')
    expect(readFileSync(notes, 'utf8')).toBe('mine')
    expect(() => run('run', '--config', config(), '--out', apart, '--units', root)).toThrow('exists and is no file of units')
  })

  it('that lack an input say which, and ask for nothing else', () => {
    expect(failing(apart, 'tier:w6')).toBe("learngene: 'tier:w6' needs 'ancestor', which has not run; run it first\n")
    const range = `its units are 0 to ${unitsOf(apart).length - 1}`
    expect(() => run('unit', 'run', join(apart, 'units.jsonl'), '--index', '99')).toThrow(`there is no unit 99; ${range}`)
  })

  it('run by several processes at once, some twice, give the bits of a run in one, and the run goes on from them', {
    timeout: 600_000,
  }, async () => {
    const units = unitsOf(apart)
    for (const { first, count } of wavesOf(units)) {
      const indices = Array.from({ length: count }, (_, i) => String(first + i))
      const twice = first === 0 ? [...indices, ...indices] : indices
      await Promise.all(twice.map((index) => start('unit', 'run', join(apart, 'units.jsonl'), '--index', index, '--quiet')))
    }
    expect(runUnit(apart, 'tier:w6')).toMatchObject({ stage: 'tier:w6', ran: false })
    expect(runUnit(apart, 'evaluate.2of3')).toMatchObject({ ran: false })
    expect(readdirSync(join(apart, '.locks'))).toEqual([])
    run('run', '--out', apart, '--backend', 'wasm', '--workers', '1', '--quiet')
    expect(await artifacts(apart)).toEqual(await artifacts(whole))
    expect(reportOf(apart)).toEqual(reportOf(whole))
    expect(list(apart)).toMatchObject({ units: 0, waves: [] })
  })

  it('of a run whose configuration has changed are refused', async () => {
    const changed = join(root, 'changed')
    list(changed, '--backend', 'wasm')
    const stored = JSON.parse(readFileSync(join(changed, 'run.json'), 'utf8'))
    stored.config.model.training.epochs = 7
    writeFileSync(join(changed, 'run.json'), JSON.stringify(stored))
    expect(failing(changed, 'ancestor')).toMatch(
      /^learngene: 'ancestor' was listed with key [0-9a-f]{8} and has [0-9a-f]{8} now: .*; list the units anew\n$/,
    )
  })

  it(`killed in the middle and run again leave the same bits (${kills} times)`, { timeout: 120_000 + kills * 30_000 }, async () => {
    const prepared = join(root, 'prepared')
    await cp(whole, prepared, { recursive: true })
    for (const stage of ['tier-w6', 'stitches', 'tune', 'evaluate', 'choose'])
      await rm(join(stagesOfRun(prepared), stage), { recursive: true })
    list(prepared, '--backend', 'wasm', '--workers', '1')
    const index = indexOf(prepared, 'tier:w6')
    const script = `mkdir -p "$(dirname "$1")"; [ -d "$1" ] || cp -r "${prepared}" "$1"; exec "${process.execPath}" "${bin}" unit run "$1/units.jsonl" --index ${index} --checkpoint-every 5`
    const store = (dir: string) => diskStore(stagesOfRun(dir))
    const report = await killAndResume({
      command: 'sh',
      args: (dir) => ['-c', script, 'sh', dir],
      dir: join(root, 'killed'),
      kills,
      seed: 1,
      check: async (dir) => {
        const found = await store(dir).find('tier:w6')
        if (found.state === 'damaged') throw new Error(found.problem)
        if (found.state === 'whole') await found.value.verify()
      },
      outcome: async (dir) => (await store(dir).read('tier:w6')).manifest.files,
    })
    expect(report.kills).toBe(kills)
    expect((await store(join(root, 'killed', 'undisturbed')).read('tier:w6')).manifest.files).toEqual(
      (await store(whole).read('tier:w6')).manifest.files,
    )
  })
})

/** What a line must have for engines that read it themselves. */
it('has the fields that the documentation names', () => {
  const fields: readonly (keyof UnitLine)[] = ['schema', 'of', 'cell', 'stage', 'key', 'inputs', 'wave', 'backend', 'workers', 'command']
  const page = readFileSync(fileURLToPath(new URL('../../../../docs/cluster.md', import.meta.url)), 'utf8')
  for (const field of fields) expect(page).toContain(`\`${field}\``)
})
