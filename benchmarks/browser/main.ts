import {
  type BenchModel,
  type Benchmark,
  type BenchResult,
  compare,
  type Machine,
  MODEL_NAMES,
  modelOf,
  namedModel,
  noteOf,
  type ResultHead,
  toResult,
  type What,
} from '@learngene/bench'
import { startInWorker } from './remote.js'

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T
const form = element<HTMLFormElement>('choices')
const [run, download] = [element<HTMLButtonElement>('run'), element<HTMLButtonElement>('download')]
const [status, table, remarks] = [element('status'), element<HTMLTableElement>('results'), element('remarks')]

const machine: Machine = {
  cpu: null,
  cores: navigator.hardwareConcurrency,
  memoryBytes: null,
  os: navigator.platform,
  engine: navigator.userAgent,
  date: new Date().toISOString(),
}
element('machine').textContent = `${machine.engine}, ${machine.cores} cores`
element('models').append(...MODEL_NAMES.map((name) => Object.assign(document.createElement('option'), { value: name })))

const COLUMNS: readonly [string, (result: BenchResult) => string][] = [
  ['backend', ({ backend }) => backend],
  ['work', ({ what }) => what],
  ['images', ({ batch }) => String(batch)],
  ['ms', ({ msMedian }) => fixed(msMedian)],
  ['quartiles', ({ spread }) => (spread ? `${fixed(spread.q1)} to ${fixed(spread.q3)}` : '')],
  ['images/s', ({ imagesPerSecond }) => fixed(imagesPerSecond)],
  ['peak memory', ({ peakMemoryBytes }) => (peakMemoryBytes === null ? '' : `${fixed(peakMemoryBytes / 1e6)} MB`)],
  ['dispatches', ({ dispatches }) => String(dispatches ?? '')],
  ['stock ms', ({ baselineMsMedian }) => fixed(baselineMsMedian)],
  ['speedup', ({ speedup }) => (speedup === null ? '' : `${speedup.toFixed(2)} x`)],
]
const fixed = (value: number | null) => (value === null ? '' : value.toFixed(value < 10 ? 2 : 1))

function show(results: readonly BenchResult[]): void {
  const cell = (kind: 'th' | 'td', text: string) => Object.assign(document.createElement(kind), { textContent: text })
  const row = (kind: 'th' | 'td', texts: readonly string[]) => {
    const line = document.createElement('tr')
    line.append(...texts.map((text) => cell(kind, text)))
    return line
  }
  const lines = results.map((result) =>
    row(
      'td',
      COLUMNS.map(([, text]) => text(result)),
    ),
  )
  table.replaceChildren(
    row(
      'th',
      COLUMNS.map(([heading]) => heading),
    ),
    ...lines,
  )
  table.hidden = false
  const said = results.flatMap(({ backend, what, note, error }) => {
    const text = [error && `did not run: ${error}`, note].filter(Boolean).join('; ')
    return text ? [Object.assign(document.createElement('li'), { textContent: `${backend} ${what}: ${text}` })] : []
  })
  remarks.replaceChildren(...said)
}

interface Choices {
  readonly model: BenchModel
  readonly batch: number
  readonly steps?: number
  readonly baseline: boolean
}

async function measure(backend: BenchResult['backend'], what: What, { model, batch, steps, baseline }: Choices): Promise<BenchResult> {
  const task = { backend, what, model: model.config, batch }
  const workers: Worker[] = []
  const head: ResultHead = {
    ...{ backend, what, model: model.name, batch, workers: 1 },
    ...{ device: null, version: null, features: [], note: noteOf(what, model.config), pytorchDevice: null },
  }
  try {
    const outcome = await compare(
      {
        ours: () => startInWorker({ ...task, formulation: 'ours' }, workers),
        ...(baseline && { stock: () => startInWorker({ ...task, formulation: 'stock' }, workers) }),
      },
      {
        steps,
        onTurn: (name, done, total) => {
          status.textContent = `${backend} ${what}: turn ${done + 1} of ${total}, ${name}`
        },
      },
    )
    return toResult(head, outcome.ours!, { stock: outcome.stock })
  } finally {
    for (const worker of workers) worker.terminate()
  }
}

async function runAll(): Promise<Benchmark> {
  const data = new FormData(form)
  const text = String(data.get('model')).trim()
  const model = namedModel(text) ?? modelOf(JSON.parse(text))
  const steps = Number(data.get('steps')) || undefined
  const choices: Choices = { model, batch: Number(data.get('batch')), steps, baseline: data.has('baseline') }
  const results: BenchResult[] = []
  for (const backend of data.getAll('backend') as BenchResult['backend'][]) {
    for (const what of data.getAll('what') as What[]) {
      results.push(await measure(backend, what, choices))
      show(results)
    }
  }
  return { machine, results }
}

form.addEventListener('change', ({ target }) => {
  const { name, value } = target as HTMLInputElement
  const model = name === 'model' ? namedModel(value.trim()) : undefined
  if (model) form.querySelector<HTMLInputElement>('[name=batch]')!.value = String(model.batch)
})

let benchmark: Benchmark | undefined

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  run.disabled = download.disabled = true
  try {
    benchmark = await runAll()
    status.textContent = 'done'
    download.disabled = false
  } catch (error) {
    status.textContent = (error as Error).message
  } finally {
    run.disabled = false
  }
})

download.addEventListener('click', () => {
  const blob = new Blob([JSON.stringify(benchmark, null, 2)], { type: 'application/json' })
  const url = URL.createObjectURL(blob)
  Object.assign(document.createElement('a'), { href: url, download: 'learngene-bench.json' }).click()
  URL.revokeObjectURL(url)
})
