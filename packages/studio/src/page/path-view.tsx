import { computed } from '@preact/signals'
import { pathText, percent } from './format.js'
import { current, followed, manifest, readings, truth } from './state.js'
import { heightOf, partsOf, styleOf } from './tiers.js'

/** As many columns as the longest path has, so that nothing moves when a stitch comes or goes. */
const most = computed(() => Math.max(...(manifest.value?.descendants ?? []).map((each) => partsOf(each.path).length), 1))

/** The path as blocks of its tiers, as high as they are wide, with the stitch between them; under each what the head reads there. */
export function PathView() {
  const point = current.value
  const family = manifest.value
  const parts = point ? partsOf(point.path) : []
  const columns = most.value
  const read = readings.value?.path === point?.path ? readings.value?.list : undefined
  const byBlock = new Map(read?.map((reading) => [reading.block, reading]))
  const final = read?.at(-1)
  const wanted = truth.value ?? final?.label
  return (
    <figure class="path" data-follow={followed.value}>
      <figcaption>
        <h3>Path</h3>
        <code>{point ? pathText(point.path) : '…'}</code>
      </figcaption>
      <div class="blocks" style={{ '--n': columns }} role="img" aria-label={describe(parts.length, point?.path)}>
        <span class="end in">picture</span>
        {parts.map((part) => (
          <span
            key={`${part.index}`}
            class={`tier ${part.kind}`}
            style={{ ...styleOf(part.tier), '--h': heightOf(part.width), '--i': part.index }}
            title={titleOf(part)}
          >
            {part.kind === 'stitch' ? (
              <svg viewBox="0 0 10 100" preserveAspectRatio="none" aria-hidden="true">
                <polygon points={`0,${100 - 100 * heightOf(part.fromWidth)} 10,${100 - 100 * heightOf(part.width)} 10,100 0,100`} />
              </svg>
            ) : (
              <b />
            )}
          </span>
        ))}
        {Array.from({ length: columns - parts.length }, (_, i) => (
          <span key={`free${i}`} />
        ))}
        <span class="end out">answer</span>
      </div>
      <div class="reads" style={{ '--n': columns }} aria-hidden="true">
        <span class="end" />
        {parts.map((part) => {
          const reading = byBlock.get(part.index)
          const isRight = reading !== undefined && reading.label === wanted
          return (
            <span key={part.index} class={`read ${part.kind}${isRight ? ' right' : ''}`} style={{ '--p': reading?.final ?? 0 }}>
              <i />
            </span>
          )
        })}
        <span class="end" />
      </div>
      <p class="note">
        {family && read && final ? settles(read, wanted!, family.classes.length, parts.length) : 'The head is read after every block.'}
      </p>
    </figure>
  )
}

const describe = (blocks: number, path?: string) => (path ? `${blocks} blocks and stitches: ${pathText(path)}` : 'loading')

function titleOf({ kind, tier, from, width, fromWidth, block }: ReturnType<typeof partsOf>[number]): string {
  return kind === 'stitch'
    ? `stitch: a linear map from ${from} to ${tier}, ${fromWidth} to ${width} wide`
    : `block ${block} of ${tier}, ${width} wide`
}

/** From which block on the head would have answered what it is wanted to. */
function settles(
  read: readonly { readonly label: number; readonly block: number; readonly final: number }[],
  wanted: number,
  classes: number,
  blocks: number,
) {
  const last = read.at(-1)!
  const isRight = last.label === wanted
  const from = read.findLastIndex(({ label }) => label !== last.label) + 1
  const at = read[from]!.block + 1
  const chance = percent(1 / classes, 0)
  return `Head read after every block (bars: share for the final answer; chance ${chance}). ${
    isRight ? (truth.value === undefined ? 'It settles' : 'It is right') : 'It settles, wrongly,'
  } from block ${at} of ${blocks} on.`
}
