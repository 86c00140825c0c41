import { computed, signal } from '@preact/signals'
import { tiersOf } from '../family.js'
import { MEASURES } from './budget.js'
import { measureOther } from './connection.js'
import { count, pathText, percent } from './format.js'
import {
  activeMeasure,
  backend,
  current,
  latencies,
  manifest,
  measured,
  otherBackend,
  otherLatencies,
  ownAccuracies,
  type Point,
  path,
  placeOf,
  points,
  take,
} from './state.js'
import { styleOf } from './tiers.js'

/** Accuracies from below the least to above the greatest, in steps that read well. */
const vertical = computed(() => {
  const values = points.value.map(({ accuracy }) => accuracy)
  if (values.length === 0) return { low: 0, high: 1, ticks: [] as number[] }
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25].find((each) => (most - least) / each <= 5) ?? 0.25
  const low = Math.max(0, Math.floor(least / step) * step)
  const high = Math.min(1.0001, Math.ceil(most / step + 0.25) * step)
  const ticks = Array.from({ length: Math.floor((high - low) / step + 1e-6) + 1 }, (_, i) => low + i * step)
  return { low, high, ticks }
})

const y = (accuracy: number) => (accuracy - vertical.value.low) / (vertical.value.high - vertical.value.low)

/** All descendants by cost and accuracy; a click takes the nearest. */
export function Front() {
  const by = activeMeasure.value
  const all = points.value
  const own = ownAccuracies.value
  const pick = (event: PointerEvent) => {
    if (event.type === 'pointermove' && event.buttons === 0) return
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect()
    const [x, height] = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height]
    const distance = (each: Point) => Math.hypot((placeOf(each.cost) - x) * box.width, (y(each.accuracy) - height) * box.height)
    const here = all.filter((each) => each.here)
    if (here.length > 0) take(here.reduce((nearest, each) => (distance(each) < distance(nearest) ? each : nearest)))
  }
  return (
    <figure class="front">
      <figcaption>
        <h3>The family</h3>
        <span>{captionText(all.length, own?.images)}</span>
      </figcaption>
      <div class="plot">
        {vertical.value.ticks.map((tick) => (
          <span key={tick} class="tick" style={{ '--y': y(tick) }} aria-hidden="true">
            {percent(tick, 0)}
          </span>
        ))}
        <div
          class="points"
          role="img"
          aria-label={`Accuracy over ${MEASURES[by].long} of ${all.length} models; the table below lists them`}
          onPointerDown={pick}
          onPointerMove={pick}
        >
          <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
            <polyline points={steps(all)} />
          </svg>
          {by === 'ms' && <Others />}
          {all.map((each) => (
            <i
              key={each.path}
              class={classOf(each)}
              style={{ ...styleOf(tiersOf(each.path).at(-1)!), '--x': placeOf(each.cost), '--y': y(each.accuracy) }}
            />
          ))}
          <Now />
        </div>
      </div>
      <div class="legend">
        <ul aria-label="Tiers">
          {manifest.value?.tiers.map(({ name, ancestor, structure }) => (
            <li key={name} class="tier" style={styleOf(name)}>
              {structure.embeddingWidth} wide{ancestor ? ', the ancestor' : ''}
            </li>
          ))}
        </ul>
        <button type="button" class="plain" disabled={otherBackend.value !== undefined || !measured.value} onClick={measureOther}>
          {otherText()}
        </button>
      </div>
      <Table />
    </figure>
  )
}

/** The ring around the descendant that is shown: it alone follows the slider. */
function Now() {
  const point = current.value
  return point ? <i class="now" style={{ '--x': placeOf(point.cost), '--y': y(point.accuracy) }} /> : null
}

const isOpen = signal(false)

/** Made when it is opened. In an order that stays while latencies are measured. */
function Table() {
  const all = points.value
  return (
    <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary>All {all.length} models as a table</summary>
      {isOpen.value && <Rows all={[...all].sort((a, b) => a.macs - b.macs)} />}
    </details>
  )
}

function Rows({ all: rows }: { readonly all: readonly Point[] }) {
  const own = ownAccuracies.value
  return (
    <>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">model</th>
              <th scope="col">{own ? 'your pictures' : 'validation'}</th>
              <th scope="col">test</th>
              <th scope="col">{backend.value?.name ?? 'latency'}</th>
              <th scope="col">MACs</th>
              <th scope="col">parameters</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((each) => (
              <tr key={each.path} aria-current={each.path === path.value ? 'true' : undefined}>
                <th scope="row">
                  <button type="button" class="plain" disabled={!each.here} onClick={() => take(each)}>
                    {pathText(each.path)}
                  </button>
                </th>
                <td>{percent(each.accuracy)}</td>
                <td>{percent(each.testAccuracy)}</td>
                <td>{latencies.value.get(each.path) ? MEASURES.ms.text(latencies.value.get(each.path)!.median) : '–'}</td>
                <td>{count(each.macs)}</td>
                <td>{count(each.parameters)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="note">{testText()}</p>
    </>
  )
}

function classOf(each: Point): string {
  const state = [each.front && 'best', each.estimated && 'estimated', !each.here && 'away']
  return ['tier', 'point', ...state.filter(Boolean)].join(' ')
}

/** The front as stairs: the accuracy that a budget buys. */
function steps(all: readonly Point[]): string {
  const front = all.filter((each) => each.front)
  const corners = front.flatMap((each, i) => {
    const x = placeOf(each.cost)
    const before = front[i - 1]
    return [...(before ? [[x, y(before.accuracy)]] : []), [x, y(each.accuracy)]]
  })
  const last = front.at(-1)
  return [...corners, ...(last ? [[1, y(last.accuracy)]] : [])]
    .map(([x, height]) => `${x!.toFixed(4)},${(1 - height!).toFixed(4)}`)
    .join(' ')
}

/** What another backend takes, as open squares. */
function Others() {
  return (
    <>
      {points.value.map((each) => {
        const figure = otherLatencies.value.get(each.path)
        if (!figure) return null
        const x = Math.min(1, Math.max(0, placeOf(figure.median)))
        return (
          <i key={each.path} class="tier other" style={{ ...styleOf(tiersOf(each.path).at(-1)!), '--x': x, '--y': y(each.accuracy) }} />
        )
      })}
    </>
  )
}

function captionText(models: number, own: number | undefined): string {
  const by = activeMeasure.value
  const done = latencies.value.size
  const horizontally =
    by === 'ms' ? `latency on ${backend.value?.name}${done < models ? `, ${done} of ${models} measured` : ''}` : MEASURES[by].long
  return `accuracy ${own ? `on ${own} of your pictures` : ''} over ${horizontally}`.replace('  ', ' ')
}

function otherText(): string {
  const state = otherBackend.value
  const other = backend.value?.name === 'webgpu' ? 'wasm' : 'WebGPU'
  if (!state) return `Measure on ${other} too`
  if (!state.name) return state.note
  return `□ ${state.note}${otherLatencies.value.size < points.value.length ? `, ${otherLatencies.value.size} of ${points.value.length}` : ''}`
}

function testText(): string {
  const family = manifest.value
  if (!family) return ''
  const { validationImages, testImages, of } = family.accuracy
  return `Models are chosen on ${validationImages.toLocaleString('en')} validation pictures; test: ${testImages.toLocaleString('en')} others${
    of === 'wire' ? `, measured with the ${family.weights} weights that this page loads` : ', measured with the float32 weights of the run'
  }. Latency: one picture, median of the runs, in the page's worker.`
}
