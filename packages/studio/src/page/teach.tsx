import { batch, computed, signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { ExportFormat, Pixels } from '../worker/messages.js'
import { camera, frameOf, startCamera } from './camera.js'
import { nextId, send } from './connection.js'
import { figures, percent } from './format.js'
import { dragging, paint } from './picture.js'
import { collected, current, lesson, manifest, ready, steps } from './state.js'

const FEWEST = 2
const MOST = 6
/** Pictures a second while a button is held. */
const RATE = 8
/** Pictures of a class that are shown. */
const SHOWN = 12
/** Pictures of each class from which the head can be trained. */
const ENOUGH = 4

const names = signal<readonly string[]>(['first class', 'second class'])
const recording = signal<number | undefined>(undefined)

const counts = computed(() => names.value.map((_, label) => collected.value.filter((each) => each.label === label).length))
const isBusy = computed(() => lesson.value.phase !== 'idle')
const canTeach = computed(
  () =>
    counts.value.every((pictures) => pictures >= ENOUGH) && ready.value.length === (manifest.value?.tiers.length ?? -1) && !isBusy.value,
)

export function Teach() {
  return (
    <section class="teach" aria-labelledby="teach">
      <header>
        <h2 id="teach">Teach it</h2>
        <p class="lead">
          Two to six classes of your own. Hold a button to record, or add pictures; then train. The whole family learns, and you can take
          any size of it home.
        </p>
      </header>
      <ul class="classes">
        {names.value.map((_, label) => (
          <OwnClass key={label} label={label} />
        ))}
        {names.value.length < MOST && (
          <li class="more">
            <button
              type="button"
              disabled={isBusy.value}
              onClick={() => (names.value = [...names.value, `class ${names.value.length + 1}`])}
            >
              Add a class
            </button>
          </li>
        )}
      </ul>
      <div class="training">
        <div>
          <Controls />
          <p class="note" role="status">
            {stateText()}
          </p>
        </div>
        <Curve />
        <Exports />
      </div>
    </section>
  )
}

function OwnClass({ label }: { readonly label: number }) {
  const input = useRef<HTMLInputElement>(null)
  const name = names.value[label]!
  const pictures = collected.value.filter((each) => each.label === label)
  const add = (files: Iterable<File> | null | undefined) => {
    for (const file of files ?? [])
      if (file.type.startsWith('image/')) send({ kind: 'collect', id: nextId(), picture: { kind: 'blob', blob: file }, label })
  }
  return (
    <li
      class={recording.value === label ? 'recording' : ''}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault()
        event.stopPropagation()
        dragging.value = false
        add(event.dataTransfer?.files)
      }}
    >
      <div class="name">
        <input
          type="text"
          value={name}
          maxLength={40}
          aria-label={`Name of class ${label + 1}`}
          disabled={isBusy.value}
          onInput={(event) => rename(label, event.currentTarget.value)}
          onBlur={() => rename(label, name.trim() || `class ${label + 1}`)}
        />
        {label === names.value.length - 1 && names.value.length > FEWEST && (
          <button type="button" class="plain" disabled={isBusy.value} aria-label={`Remove ${name}`} onClick={() => remove(label)}>
            ×
          </button>
        )}
      </div>
      <div class="thumbs" role="img" aria-label={`${pictures.length} pictures of ${name}`}>
        {Array.from({ length: SHOWN }, (_, i) => (
          <Thumb key={i} pixels={pictures.at(-1 - i)?.pixels} />
        ))}
      </div>
      <p class="note figures">
        {pictures.length} {pictures.length === 1 ? 'picture' : 'pictures'}
        {pictures.length < ENOUGH ? `, ${ENOUGH} at least` : ''}
      </p>
      <div class="actions">
        <button
          type="button"
          disabled={isBusy.value}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId)
            void record(label)
          }}
          onPointerUp={() => (recording.value = undefined)}
          onPointerCancel={() => (recording.value = undefined)}
          onKeyDown={(event) => [' ', 'Enter'].includes(event.key) && !event.repeat && void record(label)}
          onKeyUp={() => (recording.value = undefined)}
          onBlur={() => (recording.value = undefined)}
        >
          {recording.value === label ? 'Recording' : 'Hold to record'}
        </button>
        <input
          ref={input}
          type="file"
          accept="image/*"
          multiple
          class="hidden"
          tabIndex={-1}
          aria-hidden="true"
          onChange={() => add(input.current?.files)}
        />
        <button type="button" disabled={isBusy.value} onClick={() => input.current?.click()}>
          Add
        </button>
        <button type="button" class="plain" disabled={isBusy.value || pictures.length === 0} onClick={() => forget(label)}>
          Clear
        </button>
      </div>
    </li>
  )
}

function Thumb({ pixels }: { readonly pixels: Pixels | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    if (!canvas.current) return
    if (pixels) paint(canvas.current, pixels)
    else canvas.current.width = 1
  }, [pixels])
  return <canvas ref={canvas} width={1} height={1} />
}

function rename(label: number, name: string): void {
  names.value = names.value.map((each, i) => (i === label ? name : each))
}

function forget(label: number): void {
  for (const { id } of collected.value.filter((each) => each.label === label)) send({ kind: 'forget', id })
  collected.value = collected.value.filter((each) => each.label !== label)
}

function remove(label: number): void {
  batch(() => {
    forget(label)
    names.value = names.value.slice(0, -1)
  })
}

/** Takes pictures of the camera as long as a button is held. */
async function record(label: number): Promise<void> {
  recording.value = label
  if (camera.value !== 'on' && !(await startCamera())) recording.value = undefined
  while (recording.value === label) {
    const frame = await frameOf.next()
    if (frame) send({ kind: 'collect', id: nextId(), picture: { kind: 'frame', frame }, label }, [frame])
    await new Promise((resolve) => setTimeout(resolve, 1000 / RATE))
  }
}

function Controls() {
  const { phase, paused, undoable, classes } = lesson.value
  const teach = (depth: 'head' | 'deeper') => {
    steps.value = depth === 'head' ? [] : steps.value.filter((each) => each.phase === 'head')
    send({ kind: 'teach', classes: names.value, depth })
  }
  const isTaught = classes !== undefined && classes.join() === names.value.join()
  return (
    <div class="actions">
      <button type="button" class="strong" disabled={!canTeach.value} onClick={() => teach('head')}>
        Train the head
      </button>
      <button type="button" disabled={!canTeach.value || !isTaught} onClick={() => teach('deeper')}>
        Train deeper
      </button>
      <button type="button" disabled={phase === 'idle'} aria-pressed={paused} onClick={() => send({ kind: paused ? 'resume' : 'pause' })}>
        {paused ? 'Resume' : 'Pause'}
      </button>
      <button type="button" disabled={phase === 'idle'} onClick={() => send({ kind: 'stop' })}>
        Stop
      </button>
      <button type="button" disabled={phase !== 'idle' || undoable === 0} onClick={() => send({ kind: 'undo' })}>
        Undo
      </button>
    </div>
  )
}

function stateText(): string {
  const { phase, paused, classes, held, learned } = lesson.value
  const last = steps.value.at(-1)
  if (phase !== 'idle') {
    const what = phase === 'head' ? 'training the heads of all tiers' : 'training blocks and stitches of the family, one path a step'
    if (paused) return `Paused: ${what}.`
    return last && last.phase === phase ? `Step ${last.step} of ${last.steps}: ${what}.` : `Preparing: ${what}.`
  }
  if (classes)
    return `The family now tells ${classes.join(', ')} apart: ${learned} pictures learned${held > 0 ? `, ${held} held back to measure` : ''}. Undo gives the earlier one back.`
  const few = names.value.filter((_, i) => counts.value[i]! < ENOUGH)
  return few.length > 0 ? `Each class needs ${ENOUGH} pictures; one in five is held back to measure.` : 'Ready to train.'
}

/** Loss of each step, and the accuracy on what is held back. */
function Curve() {
  const list = steps.value
  const total = 150 + (list.some(({ phase }) => phase === 'deeper') ? 120 : 0)
  const most = Math.max(...list.map(({ loss }) => loss), 0.1)
  const at = (step: (typeof list)[number]) => (step.step + (step.phase === 'deeper' ? 150 : 0)) / total
  const line = (height: (step: (typeof list)[number]) => number | undefined) =>
    list.flatMap((step) => (height(step) === undefined ? [] : [`${at(step).toFixed(4)},${(1 - height(step)!).toFixed(4)}`])).join(' ')
  const last = list.at(-1)
  return (
    <figure class="curve">
      <figcaption>
        <span class="loss">loss {last ? figures(last.loss) : '–'}</span>
        <span class="accuracy">
          {last?.accuracy === undefined
            ? 'accuracy –'
            : `accuracy ${percent(last.accuracy, 0)} of the pictures held back, of the model shown`}
        </span>
      </figcaption>
      <svg
        viewBox="0 -0.04 1 1.08"
        preserveAspectRatio="none"
        role="img"
        aria-label={last ? `loss ${figures(last.loss)} after ${last.step} steps` : 'no training yet'}
      >
        <polyline class="loss" points={line(({ loss }) => loss / most)} />
        <polyline class="accuracy" points={line(({ accuracy }) => accuracy)} />
      </svg>
    </figure>
  )
}

const FORMATS: readonly { readonly format: ExportFormat; readonly label: string; readonly note: string }[] = [
  { format: 'safetensors', label: 'safetensors', note: 'learngene classify reads it' },
  { format: 'onnx', label: 'ONNX', note: 'any ONNX runtime' },
  { format: 'transformers', label: 'transformers.js', note: 'a folder, as zip' },
]

function Exports() {
  const point = current.value
  return (
    <div class="exports">
      <h3>Take it home</h3>
      <p class="note">The model that is shown now, as it is now: a file, made here.</p>
      <div class="actions">
        {FORMATS.map(({ format, label, note }) => (
          <button
            key={format}
            type="button"
            title={note}
            disabled={!point || isBusy.value}
            onClick={() => send({ kind: 'export', path: point!.path, format })}
          >
            {label}
          </button>
        ))}
      </div>
    </div>
  )
}
