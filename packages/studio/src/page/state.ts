import { batch, computed, effect, signal } from '@preact/signals'
import type { DescendantEntry, FamilyManifest } from '../family.js'
import { tiersOf } from '../family.js'
import type { Answer, LatencyFigure, Lesson, Pixels, Reading, Report, StudioBackend, TeachStep } from '../worker/messages.js'

/** What the slider moves in. */
export type Measure = 'ms' | 'macs' | 'parameters' | 'memory'

export interface BackendState {
  readonly name: StudioBackend
  readonly why: string
  readonly device: string | null
  /** Whether it is one after the first was lost. */
  readonly again: boolean
}

export interface SeenPicture {
  readonly id: number
  readonly pixels: Pixels
  readonly inverted: boolean
  readonly invertible: boolean
}

export const manifest = signal<FamilyManifest | undefined>(undefined)
export const backend = signal<BackendState | undefined>(undefined)
export const loaded = signal<{ readonly [tier: string]: number }>({})
export const ready = signal<readonly string[]>([])
export const latencies = signal<ReadonlyMap<string, LatencyFigure>>(new Map())
/** Of a second worker, on the other backend. */
export const otherLatencies = signal<ReadonlyMap<string, LatencyFigure>>(new Map())
export const otherBackend = signal<{ readonly name?: StudioBackend; readonly note: string } | undefined>(undefined)
export const measured = signal(false)

export const measure = signal<Measure>('ms')
/** 0 to 1 between the least and the greatest cost, logarithmically. */
export const slider = signal(0.62)
export const path = signal<string | undefined>(undefined)

export const seen = signal<SeenPicture | undefined>(undefined)
/** The true class of a sample. */
export const truth = signal<number | undefined>(undefined)
export const answer = signal<Answer | undefined>(undefined)
export const largest = signal<Answer | undefined>(undefined)
export const readings = signal<{ readonly path: string; readonly list: readonly Reading[] } | undefined>(undefined)
export const problem = signal<{ readonly what: string; readonly message: string } | undefined>(undefined)

export const lesson = signal<Lesson>({ phase: 'idle', paused: false, undoable: 0, held: 0, learned: 0 })
export const steps = signal<readonly (TeachStep & { readonly phase: 'head' | 'deeper' })[]>([])
export const ownAccuracies = signal<{ readonly byPath: { readonly [path: string]: number }; readonly images: number } | undefined>(
  undefined,
)
export const collected = signal<readonly { readonly id: number; readonly label: number; readonly pixels: Pixels }[]>([])
export const offline = signal<'no' | 'keeping' | 'kept'>('no')
/** Which step of the explanation is followed; the path shows it. */
export const followed = signal<number | undefined>(undefined)

export interface Point extends DescendantEntry {
  readonly cost: number
  /** Whether the latency is computed from MACs until it is measured. */
  readonly estimated: boolean
  readonly accuracy: number
  readonly here: boolean
  readonly front: boolean
}

/** What the slider moves in, now: MACs stand in for milliseconds until two latencies are measured. */
export const activeMeasure = computed<Measure>(() => (measure.value === 'ms' && latencies.value.size < 2 ? 'macs' : measure.value))

/** Milliseconds by MACs, through what is measured: proportional between the neighbours of similar size. */
const estimate = computed(() => {
  const known = (manifest.value?.descendants ?? [])
    .flatMap(({ path, macs }) => {
      const figure = latencies.value.get(path)
      return figure ? [{ macs, ms: figure.median }] : []
    })
    .sort((a, b) => a.macs - b.macs)
  return (macs: number): number => {
    const above = known.find((each) => each.macs >= macs) ?? known.at(-1)!
    const below = known.findLast((each) => each.macs <= macs) ?? known[0]!
    if (above.macs === below.macs) return (above.ms * macs) / above.macs
    return below.ms + ((above.ms - below.ms) * (macs - below.macs)) / (above.macs - below.macs)
  }
})

export const points = computed<readonly Point[]>(() => {
  const family = manifest.value
  if (!family) return []
  const by = activeMeasure.value
  const own = ownAccuracies.value
  const all = family.descendants.map((each) => {
    const figure = latencies.value.get(each.path)
    const cost = by === 'ms' ? (figure?.median ?? estimate.value(each.macs)) : each[by]
    return {
      ...each,
      cost,
      estimated: by === 'ms' && figure === undefined,
      accuracy: own?.byPath[each.path] ?? each.validationAccuracy,
      here: tiersOf(each.path).every((tier) => ready.value.includes(tier)),
    }
  })
  const ascending = [...all].sort((a, b) => a.cost - b.cost || b.accuracy - a.accuracy)
  let best = Number.NEGATIVE_INFINITY
  const front = new Set<string>()
  for (const { path, accuracy } of ascending) {
    if (accuracy <= best) continue
    best = accuracy
    front.add(path)
  }
  return ascending.map((each) => ({ ...each, front: front.has(each.path) }))
})

/** Least and greatest cost of the family. */
export const range = computed<readonly [number, number]>(() => {
  const costs = points.value.map(({ cost }) => cost)
  return costs.length === 0 ? [1, 2] : [Math.min(...costs), Math.max(...costs)]
})

const fractionOf = (cost: number, [least, most]: readonly [number, number]) =>
  most > least ? Math.log(cost / least) / Math.log(most / least) : 1

/** Where a cost lies between the least and the greatest. */
export const placeOf = (cost: number) => fractionOf(cost, range.value)

/** The budget that the slider stands for. */
export const budget = computed(() => {
  const [least, most] = range.value
  return least * (most / least) ** slider.value
})

export const current = computed(() => points.value.find((point) => point.path === path.value))

/** The most accurate that is here within a budget, of equal ones the cheapest; the cheapest where none fits. */
function bestWithin(most: number): Point | undefined {
  const here = points.value.filter((point) => point.here)
  const fitting = here.filter(({ cost }) => cost <= most * 1.0001)
  return fitting.reduce<Point | undefined>((best, each) => (best && best.accuracy >= each.accuracy ? best : each), undefined) ?? here[0]
}

/** Whether the visitor took this very descendant, rather than whatever is best within a budget. */
let isPinned = false

/** Whether the visitor chose anything at all. */
let isTouched = false

/** Moves the slider, and the family with it. */
export function slideTo(fraction: number): void {
  isPinned = false
  isTouched = true
  batch(() => {
    slider.value = Math.min(1, Math.max(0, fraction))
    path.value = bestWithin(budget.value)?.path
  })
}

/** Takes one descendant, and moves the slider to its cost. */
export function take(point: Point): void {
  isPinned = true
  isTouched = true
  batch(() => {
    slider.value = Math.min(1, Math.max(0, placeOf(point.cost)))
    path.value = point.path
  })
}

/** The next cheaper or dearer descendant of the front. */
export function stepFront(direction: 1 | -1): void {
  const front = points.value.filter((point) => point.front && point.here)
  const cost = current.value?.cost ?? 0
  const next = direction === 1 ? front.find((point) => point.cost > cost * 1.0001) : front.findLast((point) => point.cost < cost * 0.9999)
  if (next) take(next)
}

export function changeMeasure(next: Measure): void {
  batch(() => {
    measure.value = next
    const point = current.value
    if (point) slider.value = placeOf(point.cost)
  })
}

function chooseAgain(): void {
  const best = bestWithin(budget.peek())
  if (best) path.value = best.path
}

// A tier that comes may hold something better within the same budget.
effect(() => {
  if (ready.value.length > 0 && !isPinned) chooseAgain()
})

// What was estimated is measured; who has chosen already is not moved by it.
effect(() => {
  if (measured.value && !isTouched) chooseAgain()
})

/** Takes what the worker tells. */
export function receive(report: Report): void {
  switch (report.kind) {
    case 'family':
      manifest.value = report.manifest
      break
    case 'backend':
      backend.value = report
      break
    case 'bytes':
      loaded.value = { ...loaded.value, [report.tier]: report.loaded }
      break
    case 'ready':
      ready.value = [...ready.value, report.tier]
      break
    case 'seen':
      seen.value = report
      problem.value = undefined
      break
    case 'answer':
      answer.value = report.answer
      break
    case 'largest':
      largest.value = report.answer
      break
    case 'readings':
      readings.value = { path: report.path, list: report.readings }
      break
    case 'latency':
      latencies.value = new Map(latencies.value).set(report.figure.path, report.figure)
      break
    case 'measured':
      measured.value = true
      break
    case 'collected':
      collected.value = [...collected.value, report]
      break
    case 'step':
      steps.value = [...steps.value, { ...report.progress, phase: report.phase }]
      break
    case 'lesson':
      lesson.value = report.lesson
      break
    case 'accuracies':
      ownAccuracies.value = report.byPath && { byPath: report.byPath, images: report.images }
      break
    case 'problem':
      problem.value = report
      break
    case 'file':
      save(report.name, report.type, report.bytes)
  }
}

/** A download of something that the page has. */
function save(name: string, type: string, bytes: Uint8Array<ArrayBuffer>): void {
  const address = URL.createObjectURL(new Blob([bytes], { type }))
  const link = Object.assign(document.createElement('a'), { href: address, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
