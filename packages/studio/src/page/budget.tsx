import { useRef } from 'preact/hooks'
import { bytes, count, milliseconds, percent } from './format.js'
import {
  activeMeasure,
  backend,
  changeMeasure,
  current,
  latencies,
  type Measure,
  manifest,
  measure,
  ownAccuracies,
  placeOf,
  points,
  range,
  slider,
  slideTo,
  stepFront,
} from './state.js'

/** `1.65 M MACs`, `940 MACs` */
const withUnit = (value: number, unit: string) => `${count(value)} ${unit}`

export const MEASURES: {
  readonly [measure in Measure]: { readonly label: string; readonly long: string; readonly text: (value: number) => string }
} = {
  ms: { label: 'ms', long: 'milliseconds on this device', text: milliseconds },
  macs: { label: 'MACs', long: 'multiply-accumulates for one picture', text: (value) => withUnit(value, 'MACs') },
  parameters: { label: 'params', long: 'parameters', text: (value) => withUnit(value, 'parameters') },
  memory: { label: 'bytes', long: 'bytes while it runs, float32', text: bytes },
}

export function BudgetPanel() {
  return (
    <div class="budget">
      <h2>Budget</h2>
      <Readout />
      <Slider />
    </div>
  )
}

/** What the current descendant costs and how good it is, large. */
function Readout() {
  const point = current.value
  const family = manifest.value
  const by = activeMeasure.value
  const own = ownAccuracies.value
  const figure = point && latencies.value.get(point.path)
  const how =
    by === 'ms'
      ? figure
        ? `median of ${figure.runs} runs of one picture, ${backend.value?.name}; quartiles ${milliseconds(figure.spread)} apart`
        : 'estimated between measured neighbours'
      : by === 'macs' && measure.value === 'ms'
        ? 'until latency is measured'
        : MEASURES[by].long
  const images = own
    ? `of ${own.images} of your pictures, held back`
    : family
      ? `of ${family.accuracy.validationImages.toLocaleString('en')} validation pictures`
      : ''
  return (
    <div class="readout">
      <p>
        <output class="large">{point ? MEASURES[by].text(point.cost) : '–'}</output>
        <span class="how">{how}</span>
      </p>
      <p>
        <output class="large">{point ? percent(point.accuracy) : '–'}</output>
        <span class="how">right {images}</span>
      </p>
    </div>
  )
}

const STEPS = 1000

function Slider() {
  const input = useRef<HTMLInputElement>(null)
  const [least, most] = range.value
  const by = activeMeasure.value
  const point = current.value
  const text = point ? `${MEASURES[by].text(point.cost)}, ${percent(point.accuracy)} right, ${point.path}` : 'loading'
  const key = (event: KeyboardEvent) => {
    const direction = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key]
    if (!direction) return
    event.preventDefault()
    stepFront(direction as 1 | -1)
  }
  return (
    <div class="sliding">
      <label class="hidden" for="budget">
        Budget in {MEASURES[by].long}: the best model within it answers
      </label>
      <div class="track">
        <div class="ticks" aria-hidden="true">
          {points.value
            .filter((each) => each.front)
            .map((each) => (
              <i key={each.path} style={{ '--x': placeOf(each.cost) }} />
            ))}
        </div>
        <input
          ref={input}
          id="budget"
          type="range"
          min={0}
          max={STEPS}
          step={1}
          value={Math.round(slider.value * STEPS)}
          aria-valuetext={text}
          onInput={() => slideTo(Number(input.current!.value) / STEPS)}
          onKeyDown={key}
        />
      </div>
      <div class="scale">
        <span class="figures">{MEASURES[by].text(least)}</span>
        <fieldset>
          <legend class="hidden">What the slider moves in</legend>
          {(Object.keys(MEASURES) as Measure[]).map((each) => (
            <label key={each} title={MEASURES[each].long}>
              <input type="radio" name="measure" class="hidden" checked={measure.value === each} onChange={() => changeMeasure(each)} />
              <span>{MEASURES[each].label}</span>
            </label>
          ))}
        </fieldset>
        <span class="figures">{MEASURES[by].text(most)}</span>
      </div>
    </div>
  )
}
