import { afterEach, describe, expect, it } from 'vitest'
import { compareRuns } from '../compare-runs.js'
import { sampleReport } from '../sample.fixture.js'
import { renderComparison } from './compare-html.js'
import { renderHtml } from './render-html.js'

let frame: HTMLIFrameElement | undefined
afterEach(() => frame?.remove())

/** The page of a report, or another page, in a window of the given width. */
async function open(width: number, report = sampleReport(), page = renderHtml(report)): Promise<Document> {
  frame = document.createElement('iframe')
  frame.style.cssText = `width: ${width}px; height: 900px; border: 0`
  frame.srcdoc = page
  const loaded = new Promise((resolve) => frame!.addEventListener('load', resolve))
  document.body.append(frame)
  await loaded
  return frame.contentDocument!
}

const drawingOf = (page: Document) =>
  [...page.querySelectorAll<SVGSVGElement>('.picture > svg')].find((svg) => svg.getClientRects().length > 0)!
const isApart = (a: DOMRect, b: DOMRect) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top

/** Texts cover no mark and no other text, and are not cut off. */
function expectFreeTexts(drawing: SVGSVGElement): void {
  const texts = [...drawing.querySelectorAll('text')]
  const [boxes, marks] = [texts, [...drawing.querySelectorAll('.mark')]].map((elements) =>
    elements.map((element) => element.getBoundingClientRect()),
  )
  const area = drawing.getBoundingClientRect()
  boxes!.forEach((box, i) => {
    const text = texts[i]!.textContent!
    expect(box.left >= area.left && box.right <= area.right && box.top >= area.top && box.bottom <= area.bottom, text).toBe(true)
    // A line of text is higher than its letters: what counts is the inside.
    const letters = new DOMRect(box.x, box.y + box.height * 0.2, box.width, box.height * 0.6)
    expect(
      marks!.filter((mark) => !isApart(letters, mark)),
      text,
    ).toEqual([])
    expect(
      boxes!.filter((other, j) => j !== i && !isApart(letters, other)),
      text,
    ).toEqual([])
  })
}

describe.each([1200, 700, 360])('the page at %d pixels', (width) => {
  it('is no wider than its window and shows one drawing', async () => {
    const page = await open(width)
    expect(page.documentElement.scrollWidth).toBe(width)
    expect(drawingOf(page).classList.contains(width > 640 ? 'wide' : 'narrow')).toBe(true)
    expect([...page.querySelectorAll('.picture > svg')].filter((svg) => svg.getClientRects().length > 0)).toHaveLength(1)
  })

  it.each(['logarithmic', 'linear'])(
    'has texts in the picture that cover no mark, no other text, and are not cut off, on a %s axis',
    async (kind) => {
      const sample = sampleReport()
      const descendants = sample.descendants.filter(({ macs }) => kind === 'logarithmic' || macs > 3e6)
      const drawing = drawingOf(await open(width, { ...sample, descendants }))
      expect([...drawing.querySelectorAll('.ticks text')].some(({ textContent }) => textContent === '0')).toBe(kind === 'linear')
      expectFreeTexts(drawing)
    },
  )

  it('is read by keys: one stop of the Tab key, from there model by model, each told below the picture and outlined', async () => {
    const page = await open(width)
    const drawing = drawingOf(page)
    const models = [...drawing.querySelectorAll<SVGGElement>('.model')]
    const press = (key: string) => page.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
    const stops = () => models.filter((model) => model.getAttribute('tabindex') === '0')
    expect(stops()).toHaveLength(1)
    expect(stops()[0]!.querySelector('title')!.textContent).toContain(sampleReport().choice.path)
    drawing.focus()
    expect(page.activeElement, 'the drawing is no stop by itself').not.toBe(drawing)
    stops()[0]!.focus()
    const from = models.indexOf(stops()[0]!)
    for (const [key, at] of [
      ['ArrowRight', from + 1],
      ['ArrowLeft', from],
      ['Home', 0],
      ['ArrowDown', 0],
      ['ArrowUp', 1],
      ['End', models.length - 1],
      ['ArrowRight', models.length - 1],
    ] as const) {
      press(key)
      expect(page.activeElement).toBe(models[at])
      expect(stops()).toEqual([models[at]])
      expect(page.querySelector('[aria-live]')!.textContent).toBe(models[at]!.querySelector('title')!.textContent)
      const halo = models[at]!.querySelector('.halo')!
      expect(frame!.contentWindow!.getComputedStyle(halo).stroke).not.toBe('none')
      expect(frame!.contentWindow!.getComputedStyle(models[(at + 2) % models.length]!.querySelector('.halo')!).stroke).toBe('none')
    }
  })

  it('is read by touch: the nearest model within reach is taken', async () => {
    const page = await open(width)
    const drawing = drawingOf(page)
    const [first, ...others] = drawing.querySelectorAll<SVGGElement>('.model')
    const { left, top } = first!.querySelector('.mark.trained')!.getBoundingClientRect()
    const touch = (clientX: number, clientY: number) =>
      drawing.dispatchEvent(new PointerEvent('pointerdown', { clientX, clientY, bubbles: true, cancelable: true }))
    touch(left - 12, top - 4)
    expect(page.activeElement).toBe(first)
    expect(page.querySelector('.readout')!.textContent).toBe(first!.querySelector('title')!.textContent)
    expect(first!.classList.contains('shown')).toBe(true)
    expect(others.some((model) => model.classList.contains('shown'))).toBe(false)
    const { right, bottom } = drawing.getBoundingClientRect()
    touch(right - 4, bottom - 4)
    expect(page.activeElement).toBe(first)
  })
})

describe.each([1200, 360])('the page of several runs at %d pixels', (width) => {
  /** Runs that are worse and larger one after the other, the first with a name that no line holds. */
  const several = async () => {
    const sample = sampleReport()
    const runs = ['a-run-with-a-name-that-is-longer-than-a-telephone-is-wide', 'b', 'c', 'd'].map((dir, i) => {
      const descendants = sample.descendants.map((row) => ({
        ...row,
        macs: Math.round(row.macs * (1 + i / 8)),
        testAccuracy: row.testAccuracy - 0.015 * i,
      }))
      return { name: dir, dir, report: { ...sample, descendants, seed: i } }
    })
    return renderComparison(runs, await compareRuns(runs), ['a/report.html', undefined, undefined, undefined])
  }

  it('is no wider than its window, and its picture has texts that cover nothing', async () => {
    const page = await open(width, sampleReport(), await several())
    expect(page.documentElement.scrollWidth).toBe(width)
    const drawing = drawingOf(page)
    expect(drawing.classList.contains(width > 640 ? 'wide' : 'narrow')).toBe(true)
    expectFreeTexts(drawing)
  })

  it('has colours of their own for runs, which stand apart from the card', async () => {
    const page = await open(width, sampleReport(), await several())
    const colourOf = (element: Element, property: 'fill' | 'stroke' | 'backgroundColor') =>
      frame!.contentWindow!.getComputedStyle(element)[property]
    const fronts = [...drawingOf(page).querySelectorAll('.front')].map((front) => colourOf(front, 'stroke'))
    expect(new Set(fronts).size).toBe(4)
    fronts.forEach((colour, i) => {
      for (const mark of drawingOf(page).querySelectorAll(`.model.run-${i} .mark.trained`)) expect(colourOf(mark, 'fill')).toBe(colour)
    })
    const card = colourOf(page.querySelector('section')!, 'backgroundColor')
    for (const colour of fronts) expect(contrast(colour, card)).toBeGreaterThan(3)
  })

  it('is read by keys, from what the first run chose', async () => {
    const page = await open(width, sampleReport(), await several())
    const stop = drawingOf(page).querySelector<SVGGElement>('.model[tabindex="0"]')!
    expect(stop.querySelector('.ring')).not.toBeNull()
    stop.focus()
    stop.dispatchEvent(new KeyboardEvent('keydown', { key: 'Home', bubbles: true, cancelable: true }))
    expect(page.querySelector('.readout')!.textContent).toMatch(/: w12d12\[0-11\]\n/)
  })
})

/** Of two colours, as WCAG 2 has it. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const [red, green, blue] = colour.match(/[\d.]+/g)!.map((text) => {
      const value = Number(text) / 255
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
  }
  const [darker, lighter] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (lighter! + 0.05) / (darker! + 0.05)
}

it('sorts the table of descendants by a click on a heading', async () => {
  const page = await open(1200)
  const table = page.querySelector<HTMLTableElement>('table.sortable')!
  const column = [...table.querySelectorAll('th')].findIndex(({ textContent }) => textContent === 'untrained')
  table.querySelectorAll<HTMLButtonElement>('th button')[column]!.click()
  const values = [...table.tBodies[0]!.rows].map((row) => Number(row.cells[column]!.dataset.value))
  expect(values).toEqual(
    sampleReport()
      .descendants.map(({ untrainedAccuracy }) => untrainedAccuracy)
      .sort((a, b) => a - b),
  )
})
