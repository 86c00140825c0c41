import type { StitchedPath } from '@learngene/stitch'
import type { Head } from '@learngene/vit-blocks'
import type { Tensor4D } from '@tensorflow/tfjs-core'
import { tiersOf } from '../family.js'
import { addTier, assign, isHere, type LiveFamily, largestOf, networkOf, openFamily, pathsOf } from './live-family.js'
import { loadFile, loadManifest } from './load-files.js'
import { createMeasurement } from './measure.js'
import type { Answer, Lesson, Report, Request } from './messages.js'
import { type PreparedPicture, preparePicture, tensorOf } from './pictures.js'
import { answerOf, readingsOf } from './read-network.js'
import { type StartedBackend, startBackend } from './start-backend.js'
import type { OwnPicture } from './teach.js'

/** What teaching has made of the family, as numbers: to undo it, and to build it again when the device is lost. */
interface Taught {
  readonly classes: readonly string[]
  /** By tier and name, `w12.head.weight`. */
  readonly heads: ReadonlyMap<string, Float32Array>
  /** All other parameters that were trained, by tier or stitch and name. */
  readonly deeper?: ReadonlyMap<string, Float32Array>
}

/** Milliseconds without a request after which latencies are measured. */
const QUIET = 400

/**
 * The worker's side of the studio: holds the family on a backend, answers, measures and teaches. One job at a time, the visitor's first; everything else in steps between them.
 */
export function createStudio(post: (report: Report, transfer?: Transferable[]) => void): (request: Request) => void {
  let base = ''
  let backend: StartedBackend | undefined
  let family: LiveFamily | undefined
  let paths = new Map<string, StitchedPath>()
  let measureOnly = false

  let picture: PreparedPicture | undefined
  let image: Tensor4D | undefined
  let given: Extract<Request, { kind: 'show' }> | undefined
  let chosen: { readonly id: number; readonly path: string } | undefined
  const stale = { picture: false, answer: false, largest: false, readings: false }

  const own = new Map<number, OwnPicture>()
  const collecting: Extract<Request, { kind: 'collect' }>[] = []
  const history: (Taught | undefined)[] = []
  let taught: Taught | undefined
  let lesson: { readonly phase: 'head' | 'deeper'; readonly stop: AbortController; paused: boolean } | undefined

  let measurement: ReturnType<typeof createMeasurement> | undefined
  let toEvaluate = false
  let lastRequest = 0
  let asleep: (() => void) | undefined
  let resumed: (() => void) | undefined
  let recovering: Promise<void> | undefined

  const wake = () => {
    asleep?.()
    asleep = undefined
  }
  const problem = (what: Extract<Report, { kind: 'problem' }>['what']) => (error: unknown) => {
    post({ kind: 'problem', what, message: (error as Error).message ?? String(error) })
  }

  async function start({ family: address, backend: asked, measureOnly: only = false }: Extract<Request, { kind: 'start' }>): Promise<void> {
    base = address
    measureOnly = only
    const starting = begin(asked, false)
    starting.catch(() => {}) // whoever waits for it below gets the error
    const manifest = await loadManifest(base)
    post({ kind: 'family', manifest })
    await starting
    family = openFamily(manifest)
    paths = pathsOf(family)
    for (const { name, file, bytes } of manifest.tiers) {
      const loaded = await loadFile(base, file, bytes, (loaded) => post({ kind: 'bytes', tier: name, loaded, total: bytes }))
      await recovering
      addTier(family, name, loaded)
      post({ kind: 'ready', tier: name })
      stale.answer ||= chosen === undefined || tiersOf(chosen.path).includes(name)
      stale.largest = true
      wake()
    }
    measurement = createMeasurement(toMeasure(), async (path) => (await ask(path)).ms)
    wake()
  }

  async function begin(asked: Parameters<typeof startBackend>[0], again: boolean): Promise<void> {
    const started = await startBackend(asked)
    backend = started
    post({ kind: 'backend', name: started.name, why: started.why, device: started.device, again })
    started.lost.then(() => {
      if (backend === started) recovering ??= recover().finally(() => (recovering = undefined))
    })
  }

  /** After the GPU's device is lost: a new one, or wasm, and all networks anew of what is kept. */
  async function recover(): Promise<void> {
    lesson?.stop.abort(new Error('the GPU device was lost; teaching stopped where it was last whole'))
    await begin('webgpu', true)
    if (!family) return
    rebuild()
    image = picture && tensorOf(picture.pixels, family.manifest)
    stale.answer = stale.largest = stale.readings = image !== undefined
    measurement = createMeasurement(toMeasure(), async (path) => (await ask(path)).ms)
    wake()
  }

  /** All tensors anew: of the bytes that are kept, and of what was taught. */
  function rebuild(): void {
    const before = family!
    for (const { network } of before.stitched.tiers) free(Object.values({ ...network.embedding.parameters, ...network.head.parameters }))
    for (const { network } of before.stitched.tiers) for (const block of network.blocks) free(Object.values(block.parameters))
    for (const stitch of before.stitched.stitches.values()) free(Object.values(stitch.parameters))
    family = openFamily(before.manifest, before.kept)
    for (const [name, bytes] of before.kept) addTier(family, name, bytes)
    paths = pathsOf(family)
    if (!taught) return
    const { heads, deeper, classes } = taught
    setHeads(family, (tier) => headsModule!.headFor(tier.network, classes.length, tier.name))
    const { instances, stitches } = headsModule!.parametersOf(family.stitched)
    const all = { ...instances, ...stitches }
    for (const [name, data] of [...(deeper ?? []), ...heads]) assign(all[name]!, data)
  }

  let headsModule: typeof import('./teach.js') | undefined

  /** The cheapest and the dearest first, between which all others lie. */
  const toMeasure = () => {
    const all = byCost()
    return all.length > 2 ? [all[0]!, all.at(-1)!, ...all.slice(1, -1)] : all
  }

  const byCost = () =>
    family!.manifest.descendants
      .filter(({ path }) => paths.has(path))
      .sort((a, b) => a.macs - b.macs)
      .map(({ path }) => path)

  const classes = () => taught?.classes ?? family!.manifest.classes

  async function ask(path: string): Promise<Answer> {
    image ??= tensorOf(blank(), family!.manifest)
    const { top, ms } = await answerOf(networkOf(family!, paths.get(path)!), image)
    return { path, classes: classes(), top, ms }
  }

  /** Where no picture is shown yet, latencies are those of a black one. */
  function blank() {
    const { size, mean } = family!.manifest.preprocessing
    return { data: new Uint8Array(size[0] * size[1] * mean.length), height: size[0], width: size[1], channels: mean.length }
  }

  /** The job that is most wanted now; false where there is none. */
  async function work(): Promise<boolean> {
    if (!family) return false
    if (collecting.length > 0) {
      const { id, picture, label } = collecting.shift()!
      try {
        const { pixels } = await preparePicture(picture, family.manifest, base)
        own.set(id, { pixels, label })
        post({ kind: 'collected', id, label, pixels })
        tellLesson()
      } catch (error) {
        problem('picture')(error)
      }
      return true
    }
    if (stale.picture && given) {
      stale.picture = false
      await show(given)
      return true
    }
    if (image && picture && stale.answer && chosen && isHere(family, chosen.path)) {
      stale.answer = false
      stale.readings = true
      const { id, path } = chosen
      post({ kind: 'answer', id, answer: await ask(path) })
      return true
    }
    const largest = largestOf(family)
    if (image && picture && stale.largest && largest) {
      stale.largest = false
      const { top, ms } = await answerOf(largest.network, image)
      post({ kind: 'largest', answer: { path: largest.name, classes: classes(), top, ms } })
      return true
    }
    if (image && picture && stale.readings && chosen && isHere(family, chosen.path)) {
      stale.readings = false
      const { path } = chosen
      post({ kind: 'readings', path, readings: await readingsOf(networkOf(family, paths.get(path)!), image, headOfWidth) })
      return true
    }
    if (lesson) return false
    if (toEvaluate) {
      toEvaluate = false
      await evaluateOwn()
      return true
    }
    if (measurement && !measurement.isDone()) {
      const wait = lastRequest + QUIET - performance.now()
      if (wait > 0 && !measureOnly) {
        setTimeout(wake, wait)
        return false
      }
      const figure = await measurement.step()
      if (figure) post({ kind: 'latency', figure })
      if (measurement.isDone()) post({ kind: 'measured' })
      return true
    }
    return false
  }

  const headOfWidth = (width: number): Head | undefined =>
    family!.stitched.tiers.find(({ network }) => network.head.width === width)?.network.head

  async function show({ id, picture: shown, invert }: Extract<Request, { kind: 'show' }>): Promise<void> {
    try {
      const prepared = await preparePicture(shown, family!.manifest, base, invert)
      image?.dispose()
      picture = prepared
      image = tensorOf(prepared.pixels, family!.manifest)
      post({ kind: 'seen', id, pixels: prepared.pixels, inverted: prepared.inverted, invertible: prepared.invertible })
      stale.answer = stale.largest = true
    } catch (error) {
      problem('picture')(error)
    }
  }

  async function loop(): Promise<never> {
    for (;;) {
      try {
        await recovering
        if (!(await work())) await new Promise<void>((resolve) => (asleep = resolve))
      } catch (error) {
        // A device that is lost fails whatever was under way; it is done again on the next one.
        if (backend?.name === 'webgpu' && /device was lost|destroyed/i.test(String((error as Error).message)))
          await Promise.race([recovering ?? lostSoon(), pause(2000)])
        else problem('backend')(error)
      }
      await breathe()
    }
  }

  const lostSoon = () => backend!.lost.then(() => pause(50)).then(() => recovering)

  // --- teaching

  const tellLesson = () => {
    const pictures = [...own.values()]
    const { held, learned } = headsModule?.heldBack(pictures) ?? { held: [], learned: pictures }
    const state: Lesson = {
      phase: lesson?.phase ?? 'idle',
      paused: lesson?.paused ?? false,
      undoable: history.length,
      ...(taught && { classes: taught.classes }),
      held: held.length,
      learned: learned.length,
    }
    post({ kind: 'lesson', lesson: state })
  }

  async function teach({ classes, depth }: Extract<Request, { kind: 'teach' }>): Promise<void> {
    if (lesson || !family) return
    const stop = new AbortController()
    lesson = { phase: depth, stop, paused: false }
    headsModule ??= await import('./teach.js')
    tellLesson()
    const { teachHeads, teachDeeper, headFor, parametersOf, numbersOf } = headsModule
    const pictures = [...own.values()].filter(({ label }) => label < classes.length)
    const before = taught
    const shown = paths.get(chosen?.path ?? byCost()[0]!)!
    const control = {
      signal: stop.signal,
      report: (progress: Parameters<Parameters<typeof teachHeads>[5]['report']>[0]) => post({ kind: 'step', phase: depth, progress }),
      async breathe() {
        await letThrough()
        while (lesson?.paused && !stop.signal.aborted) {
          await Promise.race([new Promise<void>((resolve) => (resumed = resolve)), aborted(stop.signal)])
        }
      },
    }
    try {
      if (depth === 'head') {
        setHeads(family, (tier) => headFor(tier.network, classes.length, tier.name))
        taught = { classes, heads: new Map(), ...(before?.deeper && { deeper: before.deeper }) }
        await unlessStopped(stop.signal, teachHeads(family.stitched, family.manifest, pictures, classes, shown, control))
        taught = { ...taught, heads: await numbersOf(headsIn(family)) }
      } else {
        await unlessStopped(stop.signal, teachDeeper(family.stitched, family.manifest, pictures, classes, shown, control))
        const { instances, stitches } = parametersOf(family.stitched)
        taught = { classes, heads: await numbersOf(headsIn(family)), deeper: await numbersOf({ ...instances, ...stitches }) }
      }
      history.push(before)
    } catch (error) {
      taught = before
      problem('teach')(error)
      // Where the device is lost, that is heard of now.
      await pause(100)
      if (recovering) await recovering
      else rebuild()
    } finally {
      lesson = undefined
      stale.answer = stale.largest = true
      toEvaluate = true
      tellLesson()
      wake()
    }
  }

  const headsIn = ({ stitched }: LiveFamily) =>
    Object.assign(
      {},
      ...stitched.tiers.map(({ name, network }) =>
        Object.fromEntries(Object.entries(network.head.parameters).map(([local, value]) => [`${name}.${local}`, value])),
      ),
    )

  /** While a training computes: one turn for messages, and the answers that they ask for. */
  async function letThrough(): Promise<void> {
    await breathe()
    wake()
    await breathe()
  }

  function undo(): void {
    if (lesson || history.length === 0) return
    taught = history.pop()
    rebuild()
    stale.answer = stale.largest = true
    toEvaluate = true
    tellLesson()
    wake()
  }

  /** The accuracy of every descendant on the pictures that were held back. */
  async function evaluateOwn(): Promise<void> {
    const { held } = headsModule?.heldBack([...own.values()].filter(({ label }) => !taught || label < taught.classes.length)) ?? {
      held: [],
    }
    if (!taught || held.length === 0) return post({ kind: 'accuracies', images: 0 })
    const all = byCost()
    const scores = await headsModule!.accuraciesOf(
      family!,
      all.map((path) => paths.get(path)!),
      held,
      taught.classes,
    )
    post({ kind: 'accuracies', images: held.length, byPath: Object.fromEntries(all.map((path, i) => [path, scores[i]!])) })
  }

  async function save({ path, format }: Extract<Request, { kind: 'export' }>): Promise<void> {
    const { exportModel } = await import('./export-model.js')
    const { name, type, bytes } = await exportModel(networkOf(family!, paths.get(path)!), path, classes(), family!.manifest, format)
    post({ kind: 'file', name, type, bytes }, [bytes.buffer])
  }

  loop()

  return (request) => {
    if (request.kind === 'start') return void start(request).catch((error) => problem(backend ? 'family' : 'backend')(error))
    lastRequest = performance.now()
    switch (request.kind) {
      case 'show':
        given = request
        stale.picture = true
        break
      case 'choose':
        chosen = request
        stale.answer = true
        break
      case 'collect':
        collecting.push(request)
        break
      case 'forget':
        own.delete(request.id)
        tellLesson()
        break
      case 'teach':
        void teach(request)
        break
      case 'pause':
      case 'resume':
        if (lesson) lesson.paused = request.kind === 'pause'
        resumed?.()
        tellLesson()
        break
      case 'stop':
        lesson?.stop.abort(STOPPED)
        break
      case 'undo':
        undo()
        break
      case 'export':
        void save(request).catch(problem('export'))
    }
    wake()
  }
}

const STOPPED = new Error('stopped')

/** What was learned before a visitor stops stays. */
async function unlessStopped(signal: AbortSignal, work: Promise<void>): Promise<void> {
  await work.catch((error) => {
    if (signal.reason !== STOPPED) throw error
  })
}

/** Gives every tier another classifier. */
function setHeads({ stitched }: LiveFamily, make: (tier: LiveFamily['stitched']['tiers'][number]) => Head): void {
  for (const [i, tier] of stitched.tiers.entries()) {
    const head = make(tier)
    const former = tier.network.head
    stitched.tiers[i] = { ...tier, network: { ...tier.network, head } }
    free(Object.values(former.parameters))
  }
}

/** Frees tensors; those of a lost device are gone already. */
function free(tensors: readonly { dispose(): void }[]): void {
  for (const tensor of tensors) {
    try {
      tensor.dispose()
    } catch {}
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const aborted = (signal: AbortSignal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

const { port1, port2 } = new MessageChannel()
const breaths: (() => void)[] = []
port1.onmessage = () => breaths.shift()?.()

/** One turn of the event loop: messages that have come are heard. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    breaths.push(resolve)
    port2.postMessage(0)
  })
}
