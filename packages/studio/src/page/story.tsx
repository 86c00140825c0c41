import { useSignalEffect } from '@preact/signals'
import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { count, percent } from './format.js'
import { answer, current, followed, manifest, readings, seen } from './state.js'
import { heightOf, partsOf, styleOf } from './tiers.js'

/** Milliseconds that each step of the explanation is shown for. */
const PACE = 1600

/** How it works, told by the picture that is shown and the path that it takes. */
export function Story() {
  const family = manifest.value
  const point = current.value
  const parts = point ? partsOf(point.path) : []
  const stitch = parts.find(({ kind }) => kind === 'stitch')
  const tiers = [...new Set(parts.map(({ tier }) => tier))]
  const widths = tiers.map((tier) => family?.tiers.find(({ name }) => name === tier)?.structure.embeddingWidth ?? 0)
  const geometry = family?.tiers[0]?.structure.geometry
  const patch = geometry ? (typeof geometry.patchSize === 'number' ? geometry.patchSize : geometry.patchSize[0]) : 7
  const size = family?.preprocessing.size[0] ?? 28
  const patches = Math.floor(size / patch) ** 2
  const final = readings.value?.list.at(-1)
  const found = answer.value
  const list: { readonly title: string; readonly text: string; readonly drawing: JSX.Element }[] = [
    {
      title: 'Cut',
      text: `The picture falls into ${patches} patches of ${patch} × ${patch} pixels. Each becomes a token, a list of ${widths[0] ?? 0} numbers.`,
      drawing: <Patches patch={patch} />,
    },
    {
      title: 'Run',
      text: `${parts.filter(({ kind }) => kind === 'block').length} blocks read and rewrite the tokens. ${
        tiers.length > 1
          ? `They belong to ${tiers.length} tiers of the family: ${widths.join(' and ')} numbers wide.`
          : `They are those of one tier, ${widths[0] ?? 0} numbers wide.`
      } Every tier was cut out of the same ancestor.`,
      drawing: (
        <span class="mini">
          {parts.map((part) => (
            <b key={part.index} class="tier" style={{ ...styleOf(part.tier), '--h': heightOf(part.width) }} />
          ))}
        </span>
      ),
    },
    {
      title: 'Stitch',
      text: stitch
        ? `Between two tiers stands a stitch: one linear map that makes ${stitch.width} numbers of ${stitch.fromWidth}, ${count(stitch.width * (stitch.fromWidth + 1))} weights in all.`
        : 'This path stays in one tier and needs no stitch. Move the slider until it changes tiers: a stitch, one linear map, then joins them.',
      drawing: (
        <svg class="mini" viewBox="0 0 60 40" preserveAspectRatio="xMinYMax" aria-hidden="true">
          <Trapezoid
            from={stitch ? heightOf(stitch.fromWidth) : 0.5}
            to={stitch ? heightOf(stitch.width) : 0.5}
            isThere={stitch !== undefined}
          />
        </svg>
      ),
    },
    {
      title: 'Answer',
      text: `The head reads one token and shares 100 % among ${found?.classes.length ?? family?.classes.length ?? 0} classes${
        found ? `: ${percent(found.top[0]!.probability)} for ${found.classes[found.top[0]!.label]}` : ''
      }. All models keep their weights here at once, so another size is another path, not another download.`,
      drawing: (
        <span class="mini shares" style={{ '--p': final?.final ?? 0 }}>
          <b />
        </span>
      ),
    },
  ]
  return (
    <section class="story" aria-labelledby="story">
      <header>
        <h2 id="story">How it works</h2>
        <button type="button" onClick={() => void follow(list.length)}>
          Follow the picture
        </button>
      </header>
      <ol>
        {list.map(({ title, text, drawing }, i) => (
          <li
            key={title}
            class={followed.value === i ? 'now' : ''}
            onPointerEnter={() => (followed.value = i)}
            onPointerLeave={() => (followed.value = undefined)}
          >
            <div class="drawing">{drawing}</div>
            <h3>{title}</h3>
            <p>{text}</p>
          </li>
        ))}
      </ol>
    </section>
  )
}

let walk = 0

/** Lights one step after the other, here and on the path. */
async function follow(steps: number): Promise<void> {
  const mine = ++walk
  for (let i = 0; i < steps && mine === walk; i++) {
    followed.value = i
    await new Promise((resolve) => setTimeout(resolve, PACE))
  }
  if (mine === walk) followed.value = undefined
}

function Trapezoid({ from, to, isThere }: { readonly from: number; readonly to: number; readonly isThere: boolean }) {
  const top = (share: number) => 38 - 36 * share
  return (
    <>
      <rect x="0" y={top(from)} width="14" height={36 * from} />
      <rect x="46" y={top(to)} width="14" height={36 * to} />
      {isThere && <polygon points={`17,${top(from)} 43,${top(to)} 43,38 17,38`} />}
    </>
  )
}

/** The picture that is shown, its patches apart. */
function Patches({ patch }: { readonly patch: number }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useSignalEffect(() => {
    const picture = seen.value?.pixels
    const context = canvas.current?.getContext('2d')
    if (!picture || !context) return
    const { data, height, width, channels } = picture
    const [rows, columns] = [Math.floor(height / patch), Math.floor(width / patch)]
    const gap = Math.max(1, Math.round(patch / 5))
    context.canvas.width = width + gap * (columns - 1)
    context.canvas.height = height + gap * (rows - 1)
    const image = new ImageData(context.canvas.width, context.canvas.height)
    for (let y = 0; y < rows * patch; y++) {
      for (let x = 0; x < columns * patch; x++) {
        const to = 4 * ((y + gap * Math.floor(y / patch)) * image.width + x + gap * Math.floor(x / patch))
        for (let c = 0; c < 3; c++) image.data[to + c] = data[(y * width + x) * channels + (channels === 1 ? 0 : c)]!
        image.data[to + 3] = 255
      }
    }
    context.putImageData(image, 0, 0)
  })
  return <canvas ref={canvas} class="mini" width={28} height={28} role="img" aria-label="the patches of the picture" />
}
