import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
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
const alike = ['--backend', 'wasm', '--workers', '1']

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cluster-'))
  const plan = { batchSize: 20, learningRate: 1e-3 }
  const model = { width: 12, depth: 2, heads: 2, patchSize: 7, imageSize: [28, 28], channels: 1, training: { ...plan, epochs: 2 } }
  const pool = {
    ...{ distillation: plan, fineTuning: { ...plan, epochs: 1 }, calibrationImages: 16 },
    ...{ featureImages: 16, comparisonImages: 20, heldOutImages: 20, space: { kind: 'aligned', stride: 1 } },
  }
  const config = {
    ...{ ancestor: 'train', model, images: { training: 'embedded', trainingImages: 80, validationImages: 40 } },
    tiers: [
      { width: 6, epochs: 150 },
      { width: 8, epochs: 1 },
    ],
    ...{ ...pool, initialisers: ['ridge'] },
  }
  const grid = {
    images: { trainingImages: 80, validationImages: 20, testImages: 30 },
    tiers: [
      { width: 6, epochs: 40 },
      { width: 12, epochs: 1 },
    ],
    ...pool,
  }
  writeFileSync(join(root, 'learngene.config.json'), JSON.stringify(config))
  writeFileSync(join(root, 'grid.json'), JSON.stringify(grid))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** Every artifact with its key and the hashes of its files. */
const artifacts = (dir: string) => {
  const stages = join(root, dir, 'stages')
  const names = readdirSync(stages).filter((name) => existsSync(join(stages, name, 'artifact.json')))
  return names.map((name) => {
    const { key, files } = JSON.parse(readFileSync(join(stages, name, 'artifact.json'), 'utf8'))
    return [name, key, files]
  })
}

/** What is cut into units, and a training of it that takes long enough to be killed. */
interface Work {
  readonly name: string
  readonly killed: string
  /** What needs it, however far on. */
  readonly last: string
  /** Makes it in one process. */
  whole(dir: string): void
  /** Lists the units that are left, and gives what the command says of them. */
  list(dir: string): { readonly units: number; readonly waves: readonly { readonly first: number; readonly count: number }[] }
  /** What stands in the end, once the units have run. */
  outcome(dir: string): unknown
}

const run: Work = {
  name: 'run',
  killed: 'tier:w6',
  last: 'tune',
  whole: (dir) => void learngene('run', '--config', 'learngene.config.json', '--out', dir, ...alike, '--quiet'),
  list(dir) {
    const config = existsSync(join(root, dir)) ? [] : ['--config', 'learngene.config.json']
    const units = ['--units', `${dir}/units.jsonl`, '--shares', '2']
    return JSON.parse(learngene('run', ...config, '--out', dir, ...units, ...alike, '--json', '--quiet'))
  },
  outcome(dir) {
    learngene('run', '--out', dir, ...alike, '--quiet')
    return artifacts(dir)
  },
}

const plan = (dir: string) =>
  learngene('study', 'plan', dir, '--config', 'grid.json', '--questions', '5', '--seeds', '0', ...alike, '--json', '--quiet')

const study: Work = {
  name: 'study',
  killed: 'tier:w6d4',
  last: 'choose',
  whole(dir) {
    plan(dir)
    learngene('study', 'run', dir, '--quiet')
  },
  list: (dir) => JSON.parse(plan(dir)),
  outcome(dir) {
    const isOfTime = (key: string) => ['seconds', 'training'].includes(key)
    const text = learngene('study', 'report', dir, '--json', '--quiet')
    const report = JSON.parse(text, (key, value) => (isOfTime(key) ? undefined : value))
    expect(report.open).toEqual([])
    return [report, artifacts(dir)]
  },
}

/** What one process makes of it, once for all engines. */
const wholeOf = (work: Work) => {
  const dir = `whole-${work.name}`
  if (!existsSync(join(root, dir))) work.whole(dir)
  return work.outcome(dir)
}

const indexOf = (dir: string, stage: string) =>
  readFileSync(join(root, dir, 'units.jsonl'), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(`"stage":"${stage}"`))
/** What folders of a run hold of a stage. */
const ofStage = (folder: string, stage: string) =>
  existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(stage.replace(':', '-'))) : []
const made = (dir: string, stage: string) => ofStage(join(root, dir, 'stages'), stage)
/** Whether a training has something to go on from. */
const isUnderWay = (dir: string, stage: string) => ofStage(join(root, dir, 'stages/.checkpoints'), stage).length > 0

describe.skipIf(withoutSlurm)(name('Slurm', withoutSlurm), () => {
  const dir = () => join(root, 'slurm')
  const env = () => ({ ...process.env, SLURM_CONF: join(dir(), 'slurm.conf'), LEARNGENE })
  const slurm = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8', env: env(), cwd: root })
  const submit = (dir: string) =>
    slurm(here('slurm/submit.sh'), join(root, dir, 'units.jsonl'))
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

  it.each([run, study])(
    'runs the units of a $name as arrays, goes on where one was killed, and gives the bits of one process',
    async (work) => {
      const dir = `slurm-${work.name}`
      const all = work.list(dir).units
      expect(all).toBeGreaterThan(8)
      const jobs = submit(dir)
      while (!isUnderWay(dir, work.killed) && queue() !== '') await sleep(50)
      const index = indexOf(dir, work.killed)
      const task = queue()
        .split('\n')
        .find((line) => line.endsWith('RUNNING') && line.split(' ')[0]!.endsWith(`_${index}`))
      expect(task, logs().join()).toBeDefined()
      expect(jobs).toContain(task!.split('_')[0])
      slurm('scancel', '--signal=KILL', '--full', task!.split(' ')[0]!)
      await ended()
      for (const stage of [work.killed, work.last]) expect(made(dir, stage)).toEqual([])

      const left = work.list(dir).units
      expect(left).toBeGreaterThan(0)
      expect(left).toBeLessThan(all)
      submit(dir)
      await ended()
      expect(work.list(dir).units, logs().join()).toBe(0)
      expect(work.outcome(dir)).toEqual(wholeOf(work))
    },
  )
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

  it.each([run, study])(
    'runs the units of a $name as tasks, goes on where one was killed, and gives the bits of one process',
    async (work) => {
      const dir = `ray-${work.name}`
      work.list(dir)
      const index = indexOf(dir, work.killed)
      const running = start(dir)
      const done = running.then(
        () => true,
        () => true,
      )
      while (!isUnderWay(dir, work.killed) && !(await Promise.race([done, sleep(50)]))) {}
      process.kill(triesOf(dir, index)[0]!, 'SIGKILL')
      expect(made(dir, work.killed)).toEqual([])
      expect((await running).stdout).toMatch(/\d+ units done/)
      expect(triesOf(dir, index)).toHaveLength(2)
      expect(work.list(dir).units).toBe(0)
      expect(work.outcome(dir)).toEqual(wholeOf(work))
    },
  )

  it('tells which unit failed, and why, and does not try again what was asked for wrongly', async () => {
    mkdirSync(join(root, 'bad'))
    writeFileSync(join(root, 'bad/units.jsonl'), '{"wave":0}\n')
    await expect(start('bad')).rejects.toThrow(/unit 0: exit code 2: .*units\.jsonl:1: 'schema' cannot be/)
    expect(triesOf('bad', 0)).toHaveLength(1)
  })
})

it.skipIf(built).each([run, study])('waves of a $name are told as the command tells them', ({ name, list }) => {
  const { waves } = list(`waves-${name}`)
  const printed = execFileSync(process.execPath, [here('waves.mjs'), join(root, `waves-${name}/units.jsonl`)], { encoding: 'utf8' })
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
