import { tiersOf } from '../family.js'
import { figures, milliseconds, percent } from './format.js'
import { answer, backend, current, largest, latencies, manifest, truth } from './state.js'
import { styleOf } from './tiers.js'

const ROWS = 5

export function AnswerPanel() {
  const found = answer.value
  const rows = Array.from({ length: ROWS }, (_, i) => found?.top[i])
  const style = found ? styleOf(tiersOf(found.path).at(-1)!) : {}
  return (
    <section class="answer" aria-label="Answer">
      <h2>Answer</h2>
      <p class="first" aria-live="polite">
        {found ? (found.classes[found.top[0]!.label] ?? '') : '…'}
      </p>
      <ol class="tier" style={style}>
        {rows.map((each, i) => (
          <li key={i} class={each && each.label === truth.value && isOwn(found) ? 'true' : ''} style={{ '--p': each?.probability ?? 0 }}>
            <span class="name">{each ? (found!.classes[each.label] ?? `class ${each.label}`) : ' '}</span>
            <span class="figures">{each ? percent(each.probability) : ''}</span>
            <i aria-hidden="true" />
          </li>
        ))}
      </ol>
      <dl class="speed">
        <div>
          <dt>this pass</dt>
          <dd>{found ? milliseconds(found.ms) : '–'}</dd>
        </div>
        <div>
          <dt>one by one</dt>
          <dd class={perSecond() ? '' : 'waiting'}>{perSecond() ?? 'being measured'}</dd>
        </div>
      </dl>
      <Largest />
    </section>
  )
}

/** Whether the answer is in the family's own classes, which samples are labelled by. */
const isOwn = (found: { readonly classes: readonly string[] } | undefined) => found?.classes.join() === manifest.value?.classes.join()

function perSecond(): string | undefined {
  const figure = current.value && latencies.value.get(current.value.path)
  return figure ? `${figures(1000 / figure.median)} pictures/s` : undefined
}

/** What the ancestor says of the same picture. */
function Largest() {
  const found = largest.value
  const name = manifest.value?.tiers.some((tier) => tier.ancestor) ? 'The ancestor' : 'The largest model'
  const agrees = found && found.top[0]?.label === answer.value?.top[0]?.label
  const costs = found && current.value && backend.value ? ratioText() : ''
  return (
    <div class="largest">
      <h3>{name}</h3>
      <p class="tier" style={found ? styleOf(found.path) : {}}>
        {found ? (
          <>
            <b>{found.classes[found.top[0]!.label]}</b> <span class="figures">{percent(found.top[0]!.probability)}</span>
          </>
        ) : (
          'is still loading'
        )}
      </p>
      <p class="note">
        {found ? `${agrees ? 'agrees' : 'differs'}; ${milliseconds(found.ms)} for this pass` : ''}
        {costs}
      </p>
    </div>
  )
}

/** How much cheaper the current model is than the largest. */
function ratioText(): string {
  const family = manifest.value
  const point = current.value
  const top = family?.descendants.reduce((most, each) => (each.macs > most.macs ? each : most))
  return top && point ? `; the one shown takes ${percent(point.macs / top.macs, 0)} of its MACs` : ''
}
