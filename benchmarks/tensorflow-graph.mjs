// One training step as one graph of TensorFlow, from Python and through tfjs-node's addon, with and without XLA, in turns with our step on the tensorflow
// backend, with stock TensorFlow.js and with PyTorch; then what a call of the addon costs that is fed as much as parameters and moments are. Linux only:
// CPU times are the kernel's accounts of each process.
//
//   npm run build && npx learngene install-tensorflow
//   node benchmarks/tensorflow-graph.mjs --python PYTHON [--model deit-tiny] [--batch 8] [--rounds 5] [--steps 4] [--only NAME,NAME] [--json]
//
// PYTHON has PyTorch, and TensorFlow in the version that is installed here. tensorflow/graph_step.py builds the graph. On a machine that does other work as well,
// OMP_WAIT_POLICY=passive keeps PyTorch's threads from spinning.
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { useBackend } from '@learngene/backends'
import { median, namedModel, startParticipant } from '@learngene/bench'
import { add, cast, enableProdMode, engine, oneHot, ones, randomNormal, range, tensor1d, tidy } from '@tensorflow/tfjs-core'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const [GRAPH, PYTORCH] = [at('./tensorflow/graph_step.py'), at('../packages/bench/pytorch/vit_step.py')]

/** All that take turns: their Python script and what it is told beyond model and batch; the rest are processes of node, with a graph to load or without. */
const PARTICIPANTS = {
  stock: {},
  ours: {},
  pytorch: { script: PYTORCH },
  python: { script: GRAPH },
  'python-autodiff': { script: GRAPH, formulation: 'autodiff' },
  'python-xla': { script: GRAPH, xla: true },
  addon: { graph: 'plain' },
  'addon-xla': { graph: 'xla' },
}

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    model: { type: 'string', default: 'deit-tiny' },
    batch: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '4' },
    only: { type: 'string', default: Object.keys(PARTICIPANTS).join() },
    json: { type: 'boolean' },
    serve: { type: 'boolean' },
  },
})

/** A graph that was saved by the script, in the addon: tensors by name to its outputs. */
async function openGraph(folder) {
  const { inputs, outputs } = JSON.parse(await readFile(join(folder, 'signature.json'), 'utf8'))
  const { backend } = engine()
  const id = backend.loadSavedModelMetaGraph(folder, 'serve')
  const places = Object.values(inputs).map((name) => ({ name }))
  const given = Object.keys(inputs)
  return (tensors) => {
    const fed = given.map((name) => tensors[name])
    return backend.runSavedModel(id, fed, places, Object.values(outputs))
  }
}

const [RATE, DECAY, BETA1, BETA2, EPSILON] = [1e-4, 0.05, 0.9, 0.999, 1e-8]

async function graphParticipant({ folder, model, batch }) {
  const run = await openGraph(folder)
  const images = randomNormal([batch, model.imageSize, model.imageSize, model.channels], 0, 1, 'float32', 1)
  const targets = tidy(() => cast(oneHot(range(0, batch, 1, 'int32'), model.classes), 'float32'))
  let done = 0
  const step = () => {
    const deviation = Math.sqrt(1 - BETA2 ** ++done)
    const numbers = tensor1d([(RATE * deviation) / (1 - BETA1 ** done), 1 - RATE * DECAY, EPSILON * deviation])
    return run({ images, targets, numbers })[0].dataSync()[0]
  }
  return {
    turn(steps, leadIn) {
      const ms = []
      let loss
      for (let i = 0; i < leadIn + steps; i++) {
        const before = performance.now()
        loss = tidy(step)
        if (i >= leadIn) ms.push(performance.now() - before)
      }
      return { ms, loss }
    },
  }
}

/** Milliseconds of calls, by where parameters and moments are. Calls return when all is computed. */
async function timeFeeds({ folder, values }) {
  const [given, looked, kept] = await Promise.all(['given', 'looked', 'kept'].map((key) => openGraph(join(folder, key))))
  const [p, m, v] = [0, 1, 2].map(() => tidy(() => add(ones([values]), 1)))
  const calls = {
    'three vectors given, three made of them': () => given({ p, m, v }),
    'the same in three eager calls': () => [p, m, v].map((x) => add(x, 1)),
    'three vectors given, one number made of them': () => looked({ p, m, v }),
    'one vector given, added to one that stays': () => kept({ by: p }),
  }
  return Object.entries(calls).map(([call, run]) => {
    const ms = Array.from({ length: 25 }, () => {
      const before = performance.now()
      tidy(() => void run())
      return performance.now() - before
    })
    return { call, values, ms: median(ms.slice(5)) }
  })
}

/** A process of node that answers questions as the Python scripts do. */
async function serve() {
  enableProdMode()
  let participant
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line)
    const reply = await answer(request).catch((error) => ({ kind: 'error', message: error.message }))
    process.stdout.write(`${JSON.stringify(reply)}\n`)
  }

  async function answer({ kind, name, folder, values, model, batch, steps, leadIn }) {
    if (kind === 'turn') return { kind, turn: await participant.turn(steps, leadIn) }
    if (kind === 'start' && !folder) {
      participant = await startParticipant({ what: 'train', backend: 'tensorflow', formulation: name, model, batch })
      return { kind: 'ready' }
    }
    await useBackend('tensorflow')
    if (kind === 'feeds') return { kind, rows: await timeFeeds({ folder, values }) }
    participant = await graphParticipant({ folder, model, batch })
    return { kind: 'ready' }
  }
}

/** Starts a process that answers one JSON line with another. */
function open(program, given) {
  const child = spawn(program, given, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    pid: child.pid,
    async ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error('its process has ended')
      const reply = JSON.parse(value)
      if (reply.kind === 'error') throw new Error(reply.message)
      return reply
    },
    end: () => void child.kill(),
  }
}

/** Milliseconds of all its threads, on all processors. */
async function cpuMs(pid) {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return 10 * (Number(fields[11]) + Number(fields[12]))
}

async function compare(names, task, folders) {
  const running = []
  for (const name of names) {
    const { script, graph, ...more } = PARTICIPANTS[name]
    const child = script ? open(options.python, [script, '--serve']) : open(process.execPath, [at(import.meta.url), '--serve'])
    const begun = performance.now()
    const common = { what: 'train', threads: availableParallelism(), device: 'cpu', ...task }
    await child.ask({ kind: 'start', name, folder: folders[graph], ...common, ...more })
    const { turn } = await child.ask({ kind: 'turn', steps: 1, leadIn: 0 })
    const startSeconds = (performance.now() - begun) / 1000
    await child.ask({ kind: 'turn', steps: 2, leadIn: 0 })
    running.push({ name, child, startSeconds, firstLoss: turn.loss, wall: [], cpu: [] })
  }
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const each of running) {
      const before = await cpuMs(each.child.pid)
      const { turn } = await each.child.ask({ kind: 'turn', steps: Number(options.steps), leadIn: 1 })
      each.cpu.push(((await cpuMs(each.child.pid)) - before) / (Number(options.steps) + 1))
      each.wall.push(median(turn.ms))
      // All steps are of one batch.
      if (turn.loss !== undefined && !(turn.loss < each.firstLoss))
        throw new Error(`${each.name} does not learn: its loss went from ${each.firstLoss} to ${turn.loss}`)
    }
  }
  const ratio = (each, name) => {
    const other = running.find((one) => one.name === name)
    // By round, as neighbours have the same circumstances.
    return other ? median(each.wall.map((ms, i) => other.wall[i] / ms)) : null
  }
  const rows = running.map((each) => ({
    name: each.name,
    ms: median(each.wall),
    leastMs: Math.min(...each.wall),
    mostMs: Math.max(...each.wall),
    cpuMs: median(each.cpu),
    ofStock: ratio(each, 'stock'),
    ofPyTorch: ratio(each, 'pytorch'),
    startSeconds: each.startSeconds,
  }))
  for (const each of running) each.child.end()
  return rows
}

async function main() {
  const names = options.only.split(',')
  const unknown = names.filter((name) => !Object.hasOwn(PARTICIPANTS, name))
  if (unknown.length > 0) throw new Error(`--only must name some of ${Object.keys(PARTICIPANTS)}; got ${unknown}`)
  for (const name of ['batch', 'rounds', 'steps'])
    if (!/^[1-9]\d*$/.test(options[name])) throw new Error(`--${name} must be an integer of at least 1; got ${options[name]}`)
  const model = namedModel(options.model)
  if (!model) throw new Error(`--model must be a model of learngene bench; got ${options.model}`)

  const folder = await mkdtemp(join(tmpdir(), 'tensorflow-graph-'))
  try {
    const script = async (...given) => {
      const size = ['--model', options.model, '--batch', options.batch]
      const { stdout } = await promisify(execFile)(options.python, [GRAPH, ...size, ...given])
      return JSON.parse(stdout)
    }
    const folders = { plain: join(folder, 'plain'), xla: join(folder, 'xla') }
    if (names.includes('addon')) await script('--export', folders.plain)
    if (names.includes('addon-xla')) await script('--export', folders.xla, '--xla')
    const steps = await compare(names, { model: model.config, batch: Number(options.batch) }, folders)
    const { values } = await script('--export-feeds', join(folder, 'feeds'))
    const feeding = open(process.execPath, [at(import.meta.url), '--serve'])
    const { rows: feeds } = await feeding.ask({ kind: 'feeds', folder: join(folder, 'feeds'), values })
    feeding.end()
    show({ model: options.model, batch: Number(options.batch), steps, feeds })
  } finally {
    await rm(folder, { recursive: true })
  }
}

function show(result) {
  if (options.json) return console.log(JSON.stringify(result, null, 2))
  const times = (value) => (value === null ? '' : `${value.toFixed(2)} x`)
  console.log(`one training step of ${result.model}, batch ${result.batch}; first: start and first step\n`)
  console.log('| formulation | wall ms (least to most) | CPU ms | of stock | of PyTorch | first, s |')
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const { name, ms, leastMs, mostMs, cpuMs, ofStock, ofPyTorch, startSeconds } of result.steps) {
    const wall = `${ms.toFixed(0)} (${leastMs.toFixed(0)} to ${mostMs.toFixed(0)})`
    console.log(`| ${name} | ${wall} | ${cpuMs.toFixed(0)} | ${times(ofStock)} | ${times(ofPyTorch)} | ${startSeconds.toFixed(1)} |`)
  }
  console.log(`\ncalls through the addon, vectors of ${result.feeds[0].values} numbers`)
  for (const { call, ms } of result.feeds) console.log(`  ${ms.toFixed(2).padStart(7)} ms  ${call}`)
}

await (options.serve ? serve() : main())
