import type { DescendantRow, RunReport } from '@learngene/recipe/reports'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sampleReport } from '../sample.fixture.js'
import { picture } from './picture.js'
import { type Box, crosses, overlap, type Point } from './place-labels.js'

type Drawing = ReturnType<typeof drawings>[number]

/** Both drawings of a report, taken apart. */
function drawings(report: RunReport) {
  return [...picture(report).text.matchAll(/<svg class="(wide|narrow)" viewBox="0 0 (\d+) (\d+)"[\s\S]*?\n<\/svg>/g)].map(
    ([svg, kind, width, height]) => {
      const models = [...svg.matchAll(/<g class="model (\w+)"([^>]*)><title>([\s\S]*?)<\/title>([\s\S]*?)\n<\/g>/g)].map(
        ([, kind, attributes, title, marks]) => ({
          kind,
          attributes,
          title: title!,
          untrained: placesOf(marks!, 'untrained'),
          trained: placesOf(marks!, 'trained'),
          isRinged: marks!.includes('class="ring"'),
        }),
      )
      const labels = [...svg.matchAll(/<text class="label ([\w-]*)" x="([\d.]+)" y="([\d.]+)" style="font-size:([\d.]+)px">([^<]*)</g)].map(
        ([, kind, x, y, size, text]) => {
          const left = Number(x)
          const top = Number(y) - 0.8 * Number(size)
          // 0.55 of the height is what characters take on the average; the placing itself allows for more.
          return { kind, text, box: { left, top, right: left + 0.55 * Number(size) * text!.length, bottom: top + Number(size) } }
        },
      )
      const front = /<polyline class="front" points="([^"]*)"/
        .exec(svg)![1]!
        .split(' ')
        .map((pair) => pair.split(',').map(Number) as [number, number])
      const budget = /<line class="budget-line" x1="([\d.]+)"/.exec(svg)?.[1]
      const ticks = [...svg.matchAll(/<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">([\d.]+ ?[kMG]?)</g)].map(([, x, text]) => ({
        x: Number(x),
        text,
      }))
      return {
        kind,
        width: Number(width),
        height: Number(height),
        models,
        labels,
        front,
        budget: budget === undefined ? undefined : Number(budget),
        ticks,
        svg,
      }
    },
  )
}

/** Centres of the marks of a state: of circles, and of polygons' corners. */
function placesOf(markup: string, state: string): (Box & { readonly isClipped: boolean; readonly x: number; readonly y: number })[] {
  const circles = [...markup.matchAll(new RegExp(`<circle class="mark ${state}" cx="([^"]*)" cy="([^"]*)" r="([^"]*)"`, 'g'))].map(
    ([, x, y, r]) => {
      const [cx, cy, radius] = [Number(x), Number(y), Number(r)]
      return { x: cx, y: cy, left: cx - radius, right: cx + radius, top: cy - radius, bottom: cy + radius, isClipped: false }
    },
  )
  const polygons = [...markup.matchAll(new RegExp(`<polygon class="mark ${state}" points="([^"]*)"`, 'g'))].map(([, points]) => {
    const corners = points!.split(' ').map((pair) => pair.split(',').map(Number) as [number, number])
    const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)]
    const box = { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) }
    return { ...box, x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2, isClipped: corners.length === 3 }
  })
  return [...circles, ...polygons]
}

function expectFreeLabels({ models, labels, front, budget, width, height, kind }: Drawing): void {
  const marks = models.flatMap(({ trained, untrained }) => [...trained, ...untrained])
  const lines = front.slice(1).map((point, i): [Point, Point] => [front[i]!, point])
  labels.forEach(({ box, text }, i) => {
    const what = `${text} in the ${kind} drawing`
    expect(box.left >= 0 && box.top >= 0 && box.right <= width && box.bottom <= height, what).toBe(true)
    expect(
      marks.filter((mark) => overlap(box, mark)),
      what,
    ).toEqual([])
    expect(
      lines.filter((line) => crosses(line, box)),
      what,
    ).toEqual([])
    if (budget !== undefined) expect(box.left < budget && budget < box.right, what).toBe(false)
    expect(
      labels.filter((other, j) => j !== i && overlap(box, other.box)),
      what,
    ).toEqual([])
  })
}

/** A report with other descendants; the best within the budget is chosen. */
function reportOf(
  rows: readonly Pick<DescendantRow, 'macs' | 'testAccuracy' | 'untrainedAccuracy'>[],
  budget: number,
  ancestor = sampleReport().ancestor,
) {
  const report = sampleReport()
  const all = rows.map(
    (row, id): DescendantRow => ({
      ...report.descendants[0]!,
      ...row,
      id,
      path: `w${id}d12[0-11]`,
      stitched: id % 3 > 0,
      validationAccuracy: row.testAccuracy,
      pareto: !rows.some((other, i) => i !== id && other.macs <= row.macs && other.testAccuracy >= row.testAccuracy),
    }),
  )
  const best = (most: number) => all.filter(({ macs }) => macs <= most).sort((a, b) => b.testAccuracy - a.testAccuracy)[0] ?? all[0]!
  const choiceOf = (macs: number) => ({
    budget: { macs },
    path: best(macs).path,
    macs: best(macs).macs,
    testAccuracy: best(macs).testAccuracy,
  })
  return {
    ...report,
    ancestor,
    descendants: all,
    choices: [choiceOf(budget / 2)],
    choice: { ...report.choice, ...choiceOf(budget) },
  } satisfies RunReport
}

describe('the picture', () => {
  it('has every descendant in both drawings, untrained and trained, by rising MACs, each a stop of the Tab key with its numbers', () => {
    const { descendants, choice } = sampleReport()
    for (const { models } of drawings(sampleReport())) {
      expect(models.map(({ title }) => title.split('\n')[0]!.replace('&gt;', '>').replace(', the ancestor', ''))).toEqual(
        [...descendants].sort((a, b) => a.macs - b.macs).map(({ path }) => path),
      )
      for (const { attributes, kind, trained, untrained, title, isRinged } of models) {
        expect(attributes).toContain('tabindex="0"')
        expect(attributes).toContain('role="img"')
        expect(title).toMatch(/ MACs, .* parameters\ntest [\d.]+ %, untrained [\d.]+ %, validation [\d.]+ %/)
        expect([trained.length, untrained.length]).toEqual([1, kind === 'ancestor' ? 0 : 1])
        expect(isRinged).toBe(title.startsWith(choice.path.replace('>', '&gt;')))
      }
    }
  })

  it('marks the ancestor by itself where no tier is the untouched ancestor', () => {
    const sample = sampleReport()
    const descendants = sample.descendants.filter(({ path }) => !path.startsWith('w96d12[0-11]'))
    for (const { models } of drawings({ ...sample, descendants })) {
      expect(models.filter(({ kind }) => kind === 'ancestor').map(({ title }) => title.split('\n')[0])).toEqual([
        'the ancestor: 12 blocks of width 96',
      ])
      expect(models).toHaveLength(descendants.length + 1)
    }
  })

  it('draws the front through the Pareto-optimal descendants, by rising MACs', () => {
    for (const { front } of drawings(sampleReport())) {
      expect(front).toHaveLength(sampleReport().descendants.filter(({ pareto }) => pareto).length)
      front.slice(1).forEach(([x], i) => void expect(x).toBeGreaterThan(front[i]![0]))
    }
  })

  it('has a logarithmic axis from a ratio of ten on, with ticks evenly apart by powers of ten', () => {
    for (const { ticks, models } of drawings(sampleReport())) {
      expect(ticks.map(({ text }) => text)).toEqual(['500 k', '1 M', '2 M', '5 M', '10 M', '20 M'])
      const at = Object.fromEntries(ticks.map(({ text, x }) => [text, x]))
      expect(at['10 M']! - at['1 M']!).toBeCloseTo(at['20 M']! - at['2 M']!, 1)
      expect(models[0]!.trained[0]!.x).toBeLessThan(at['500 k']!)
    }
  })

  it('has a linear axis below that', () => {
    const ancestor = { ...sampleReport().ancestor, macs: 12e6 }
    const rows = [4e6, 6e6, 10e6].map((macs) => ({ macs, testAccuracy: 0.8 + macs / 2e8, untrainedAccuracy: 0.8 }))
    for (const { ticks } of drawings(reportOf(rows, 8e6, ancestor))) {
      const steps = ticks.slice(1).map(({ x }, i) => x - ticks[i]!.x)
      for (const step of steps) expect(step).toBeCloseTo(steps[0]!, 1)
    }
  })

  it('draws the budget where it caps MACs, between the models that keep it and the others', () => {
    for (const { budget, models, labels } of drawings(sampleReport())) {
      const macs = [...sampleReport().descendants].map((row) => row.macs).sort((a, b) => a - b)
      models.forEach(({ trained }, i) => void expect(trained[0]!.x < budget!).toBe(macs[i]! <= 8e6))
      expect(labels.some(({ text }) => text === 'budget 8 M MACs')).toBe(true)
    }
    const { choice, ...rest } = sampleReport()
    for (const budget of [{ parameters: 3e5 }, { macs: 1e9 }] as { [measure: string]: number }[]) {
      const report = { ...rest, choice: { ...choice, budget } }
      for (const drawing of drawings(report)) expect(drawing.budget).toBeUndefined()
      expect(picture(report).text.includes('The budget of 1 G MACs lies outside the picture.')).toBe('macs' in budget)
    }
  })

  it('names the choice, the small end of the front, the ancestor and the budget', () => {
    for (const { labels, kind } of drawings(sampleReport())) {
      const texts = labels.map(({ text }) => text)
      expect(texts[0], kind).toBe('chosen 89.3 %')
      expect(
        texts.some((text) => /79\.5 %$/.test(text!)),
        kind,
      ).toBe(true)
      expect(
        texts.some((text) => text!.startsWith('ancestor')),
        kind,
      ).toBe(true)
    }
  })

  it('clips what lies far below, with a mark at the lower edge and a note that counts it', () => {
    const { descendants } = sampleReport()
    for (const { models, height } of drawings(sampleReport())) {
      const clipped = models.filter(({ untrained }) => untrained[0]?.isClipped)
      expect(clipped).toHaveLength(7)
      for (const { untrained, trained } of clipped) {
        expect(untrained[0]!.bottom).toBeLessThan(height)
        expect(untrained[0]!.y).toBeGreaterThan(trained[0]!.y)
      }
      const shown = models.flatMap(({ trained, untrained }) => [...trained, ...untrained]).filter(({ isClipped }) => !isClipped)
      // The family fills the picture: its marks reach over most of the height.
      expect(Math.max(...shown.map(({ y }) => y)) - Math.min(...shown.map(({ y }) => y))).toBeGreaterThan(0.6 * height)
    }
    expect(descendants.filter(({ untrainedAccuracy }) => untrainedAccuracy < 0.76)).toHaveLength(7)
    expect(picture(sampleReport()).text).toContain('(7 before training)')
    const good = descendants.map((row) => ({ ...row, untrainedAccuracy: row.testAccuracy - 0.01 }))
    expect(picture({ ...sampleReport(), descendants: good }).text).not.toContain('▽')
  })

  it('has labels that cover nothing and marks inside it, whatever the family', () => {
    const share = fc.double({ min: 0.1, max: 0.99, noNaN: true })
    const row = fc.record({ macs: fc.integer({ min: 100_000, max: 30_000_000 }), testAccuracy: share, untrainedAccuracy: share })
    let count = 0
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), fc.integer({ min: 200_000, max: 40_000_000 }), (rows, budget) => {
        for (const drawing of drawings(reportOf(rows, budget))) {
          expectFreeLabels(drawing)
          count += drawing.labels.length
          expect(drawing.svg).not.toMatch(/NaN|undefined|Infinity/)
          for (const { trained, untrained } of drawing.models) {
            for (const { left, right, top, bottom } of [...trained, ...untrained]) {
              expect(left >= 0 && top >= 0 && right <= drawing.width && bottom <= drawing.height).toBe(true)
            }
          }
        }
      }),
      { seed: 1, numRuns: 100 },
    )
    expect(count).toBeGreaterThan(400)
  })
})
