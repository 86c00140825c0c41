import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { diskStore } from '@learngene/recipe/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const bin = here('../../packages/learngene/dist/bin.js')
const built = existsSync(bin) ? undefined : 'packages/learngene/dist is not built, run npm run build'
const LEARNGENE = `${process.execPath} ${bin}`

/** Why something cannot run here; shown in the name of what is skipped. */
const skip = (...reasons: readonly (string | undefined)[]) => reasons.find((reason) => reason !== undefined)
const name = (what: string, reason: string | undefined) => (reason === undefined ? what : `${what} (skipped: ${reason})`)
const succeeds = (command: string, ...args: string[]) => {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const programs = ['munged', 'slurmctld', 'slurmd', 'sbatch']
const missing = programs.filter((program) => !succeeds('sh', '-c', `command -v ${program}`))
const withoutSlurm = skip(
  built,
  missing.length > 0 ? `no ${missing.join(', ')} here; Debian has them in slurm-wlm and munge` : undefined,
  process.getuid?.() === 0 ? undefined : 'slurmd wants root',
)

/** LEARNGENE_RAY_PYTHON names a Python that has Ray, where `python3` has not. */
const pythons = [process.env.LEARNGENE_RAY_PYTHON, 'python3'].filter((each) => each !== undefined)
const python = pythons.find((each) => succeeds(each, '-c', 'import ray'))
const withoutRay = skip(built, python === undefined ? `none of ${pythons.join(', ')} has Ray; pip install ray` : undefined)

let root: string
const learngene = (...args: string[]) => execFileSync(process.execPath, [bin, ...args], { encoding: 'utf8', stdio: 'pipe', cwd: root })

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cluster-'))
  const plan = { batchSize: 20, learningRate: 1e-3 }
  const model = { width: 12, depth: 2, heads: 2, patchSize: 7, imageSize: [28, 28], channels: 1, training: { ...plan, epochs: 2 } }
  const config = {
    ...{ ancestor: 'train', model, images: { training: 'embedded', trainingImages: 80, validationImages: 40 } },
    tiers: [
      { width: 6, epochs: 150 },
      { width: 8, epochs: 1 },
    ],
    ...{ distillation: plan, fineTuning: { ...plan, epochs: 1 }, calibrationImages: 16 },
    ...{ featureImages: 16, comparisonImages: 20, heldOutImages: 20, space: { kind: 'aligned', stride: 1 }, initialisers: ['ridge'] },
  }
  writeFileSync(join(root, 'learngene.config.json'), JSON.stringify(config))
  if (withoutSlurm === undefined || withoutRay === undefined)
    learngene('run', '--out', 'whole', '--backend', 'wasm', '--workers', '1', '--quiet')
})
afterAll(() => rm(root, { recursive: true, force: true }))

const list = (run: string) =>
  JSON.parse(
    learngene(
      'run',
      ...(existsSync(join(root, run)) ? [] : ['--config', 'learngene.config.json']),
      '--out',
      run,
      '--units',
      `${run}/units.jsonl`,
      '--shares',
      '2',
      '--backend',
      'wasm',
      '--workers',
      '1',
      '--json',
      '--quiet',
    ),
  ) as { units: number }
const indexOf = (run: string, stage: string) =>
  readFileSync(join(root, run, 'units.jsonl'), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(`"stage":"${stage}"`))
const artifacts = async (run: string) =>
  (await diskStore(join(root, run, 'stages')).list()).map(({ stage, manifest: { key, files } }) => [stage, key, files])
const finish = (run: string) => learngene('run', '--out', run, '--backend', 'wasm', '--workers', '1', '--quiet')

describe.skipIf(withoutSlurm)(name('Slurm', withoutSlurm), () => {
  const dir = () => join(root, 'slurm')
  const env = () => ({ ...process.env, SLURM_CONF: join(dir(), 'slurm.conf'), LEARNGENE })
  const slurm = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8', env: env(), cwd: root })
  const submit = (run: string) =>
    slurm(here('slurm/submit.sh'), join(root, run, 'units.jsonl'))
      .trim()
      .split('\n')
  const queue = () => slurm('squeue', '-h', '-r', '-o', '%i %T').trim()
  const ended = async () => {
    while (queue() !== '') await sleep(500)
  }
  const node = (action: string) =>
    execFileSync(here('slurm/node.sh'), [action, dir()], { stdio: 'pipe', env: { ...process.env, SLURM_EXAMPLE_PORT: '16917' } })
  const logs = () => readdirSync(root).filter((file) => file.endsWith('.log')).map((file) => `${file}: ${readFileSync(join(root, file), 'utf8')}`) // biome-ignore format: short

  beforeAll(() => void node('start'))
  afterAll(() => void node('stop'))

  it('runs the units as arrays, goes on where one was killed, and gives the bits of a run in one', async () => {
    expect(list('apart').units).toBeGreaterThan(8)
    const jobs = submit('apart')
    const checkpoint = join(root, 'apart/stages/.checkpoints/tier-w6')
    while (!existsSync(checkpoint) && queue() !== '') await sleep(50)
    const index = indexOf('apart', 'tier:w6')
    const task = queue()
      .split('\n')
      .find((line) => line.endsWith('RUNNING') && line.split(' ')[0]!.endsWith(`_${index}`))
    expect(task, logs().join()).toBeDefined()
    expect(jobs).toContain(task!.split('_')[0])
    slurm('scancel', '--signal=KILL', '--full', task!.split(' ')[0]!)
    await ended()
    expect(existsSync(join(root, 'apart/stages/tier-w6/artifact.json'))).toBe(false)
    expect(existsSync(join(root, 'apart/stages/tune'))).toBe(false)

    const left = list('apart').units
    expect(left).toBeGreaterThan(0)
    submit('apart')
    await ended()
    expect(list('apart').units, logs().join()).toBe(0)
    finish('apart')
    expect(await artifacts('apart')).toEqual(await artifacts('whole'))
  })
})

describe.skipIf(withoutRay)(name('Ray', withoutRay), () => {
  /** Starts units as `learngene` does, and notes the id of each try in `RUN-tries-INDEX`. */
  const script = () => join(root, 'unit.sh')
  const triesOf = (run: string, index: number) => {
    const file = join(root, `${run}-tries-${index}`)
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []
  }
  const start = (run: string) => {
    writeFileSync(script(), `echo $$ >> "${join(root, run)}-tries-$5"\nexec ${LEARNGENE} "$@"\n`)
    const options = { env: { ...process.env, LEARNGENE: `sh ${script()}`, RAY_USAGE_STATS_ENABLED: '0' }, cwd: root }
    return promisify(execFile)(python!, [here('ray/units.py'), `${run}/units.jsonl`], options)
  }

  it('runs the units as tasks, goes on where one was killed, and gives the bits of a run in one', async () => {
    list('ray')
    const index = indexOf('ray', 'tier:w6')
    const running = start('ray')
    const done = running.then(
      () => true,
      () => true,
    )
    const checkpoint = join(root, 'ray/stages/.checkpoints/tier-w6')
    while (!existsSync(checkpoint) && !(await Promise.race([done, sleep(50)]))) {}
    process.kill(triesOf('ray', index)[0]!, 'SIGKILL')
    expect(existsSync(join(root, 'ray/stages/tier-w6/artifact.json'))).toBe(false)
    expect((await running).stdout).toMatch(/\d+ units done/)
    expect(triesOf('ray', index)).toHaveLength(2)
    expect(list('ray').units).toBe(0)
    finish('ray')
    expect(await artifacts('ray')).toEqual(await artifacts('whole'))
  })

  it('tells which unit failed, and why, and does not try again what was asked for wrongly', async () => {
    mkdirSync(join(root, 'bad'))
    writeFileSync(join(root, 'bad/units.jsonl'), '{"wave":0}\n')
    await expect(start('bad')).rejects.toThrow(/unit 0: exit code 2: .*units\.jsonl:1: 'schema' cannot be/)
    expect(triesOf('bad', 0)).toHaveLength(1)
  })
})

it.skipIf(built)('waves are told as the command tells them', () => {
  const { waves } = list('waves') as unknown as { waves: { first: number; count: number }[] }
  const printed = execFileSync(process.execPath, [here('waves.mjs'), join(root, 'waves/units.jsonl')], { encoding: 'utf8' })
  expect(printed.trim().split('\n')).toEqual(waves.map(({ first, count }) => `${first} ${first + count - 1}`))
})

describe('Kubernetes', () => {
  it('has an Indexed Job whose pods run the unit of their index', () => {
    const job = parse(readFileSync(here('kubernetes/job.yaml'), 'utf8')) as Job
    expect([job.apiVersion, job.kind, job.spec.completionMode]).toEqual(['batch/v1', 'Job', 'Indexed'])
    expect(job.spec.parallelism).toBeLessThanOrEqual(job.spec.completions)
    // podFailurePolicy is refused with any other.
    expect(job.spec.template.spec.restartPolicy).toBe('Never')
    const [unit, ...others] = job.spec.template.spec.containers
    expect(others).toEqual([])
    const index = unit!.env.find((each) => each.name === 'JOB_COMPLETION_INDEX')
    expect(index!.valueFrom!.fieldRef.fieldPath).toBe("metadata.annotations['batch.kubernetes.io/job-completion-index']")
    const first = unit!.env.find((each) => each.name === 'FIRST')
    expect(first!.value).toMatch(/^\d+$/)
    const [script] = unit!.args
    expect(script).toContain('--index "$((FIRST + JOB_COMPLETION_INDEX))"')
    // The script as a pod would run it, but for npx.
    const version = unit!.env.find((each) => each.name === 'LEARNGENE_VERSION')!.value!
    // One release for all pods, whole: a range would be read anew by each.
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    const words = execFileSync('sh', ['-c', script!.replace('exec npx --yes', 'echo')], {
      encoding: 'utf8',
      env: { ...process.env, FIRST: '4', JOB_COMPLETION_INDEX: '3', LEARNGENE_VERSION: '1.2.3' },
    })
    expect(words.trim()).toBe('learngene@1.2.3 unit run run/units.jsonl --index 7 --quiet')
    const mounted = unit!.volumeMounts.map(({ name }) => name)
    expect(job.spec.template.spec.volumes.map(({ name }) => name)).toEqual(mounted)
    expect(unit!.workingDir).toBe(unit!.volumeMounts[0]!.mountPath)
    for (const { onExitCodes } of job.spec.podFailurePolicy.rules) {
      if (onExitCodes) expect([onExitCodes.containerName, onExitCodes.values]).toEqual([unit!.name, [2]])
    }
  })
})

interface Job {
  readonly apiVersion: string
  readonly kind: string
  readonly spec: {
    readonly completionMode: string
    readonly completions: number
    readonly parallelism: number
    readonly podFailurePolicy: { readonly rules: readonly { readonly onExitCodes?: { containerName: string; values: number[] } }[] }
    readonly template: {
      readonly spec: {
        readonly restartPolicy: string
        readonly volumes: readonly { readonly name: string }[]
        readonly containers: readonly {
          readonly name: string
          readonly args: readonly string[]
          readonly workingDir: string
          readonly env: readonly {
            readonly name: string
            readonly value?: string
            readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } }
          }[]
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
        }[]
      }
    }
  }
}
