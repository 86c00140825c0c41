import type { RunReport } from '@learngene/recipe/reports'
import { describe, expect, it } from 'vitest'
import { compareRuns } from '../compare-runs.js'
import { sampleReport } from '../sample.fixture.js'
import { renderComparison } from './compare-html.js'

const sample = sampleReport()
/** Descendants that are better or worse by so much, and larger by a factor. */
const shifted = (by: number, factor = 1) =>
  sample.descendants.map((row) => ({
    ...row,
    macs: Math.round(row.macs * factor),
    testAccuracy: Math.max(0, row.testAccuracy - by),
    validationAccuracy: Math.max(0, row.validationAccuracy - by),
  }))

async function pageOf(changes: readonly Partial<RunReport>[], links: readonly (string | undefined)[] = []) {
  const runs = changes.map((change, i) => ({ name: `r${i}`, dir: `runs/r${i}`, report: { ...sample, ...change } }))
  return renderComparison(
    runs,
    await compareRuns(runs),
    runs.map((_, i) => links[i]),
  )
}

/** The texts of a section's table, row by row. */
function rowsOf(page: string, title: string): string[][] {
  const table = page.slice(page.indexOf(`<h2>${title}</h2>`)).split('</table>')[0]!
  return [...table.matchAll(/<tr>([\s\S]*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<t[dh][^>]*>([\s\S]*?)<\/t[dh]>/g)].map(([, cell]) =>
      cell!
        .replaceAll('<br>', ' ')
        .replaceAll(/<[^>]*>/g, '')
        .trim(),
    ),
  )
}

/** One drawing, taken apart. */
function drawingsOf(page: string) {
  return [...page.matchAll(/<svg class="(wide|narrow)"[\s\S]*?\n<\/svg>/g)].map(([svg, kind]) => ({
    kind,
    svg,
    fronts: [...svg.matchAll(/<polyline class="front ([^"]*)" points="([^"]*)"/g)].map(([, name, points]) => ({
      name,
      points: points!.split(' '),
    })),
    models: [...svg.matchAll(/<g class="model (\w+)(?: (run-\d+))?"[^>]*><title>([\s\S]*?)<\/title>([\s\S]*?)\n<\/g>/g)].map(
      ([, kind, run, title, marks]) => ({ kind, run, title: title!, isRinged: marks!.includes('class="ring"') }),
    ),
    labels: [...svg.matchAll(/<text class="label ([^"]*)"[^>]*>([^<]*)</g)].map(([, name, text]) => ({ name, text })),
  }))
}

describe('the page of several runs', () => {
  it('asks nothing of the network, and has balanced tags and no holes', async () => {
    const page = await pageOf([{}, { descendants: shifted(0.02) }])
    expect(page).not.toMatch(/https?:|\/\/[a-z]|@import|url\(|<link|<img|<iframe|\bsrc=/i)
    expect(page).toContain('<title>Learngene: 2 runs side by side</title>')
    for (const tag of ['section', 'table', 'tr', 'td', 'th', 'svg', 'g', 'span', 'small', 'ul']) {
      const count = (pattern: RegExp) => [...page.matchAll(pattern)].length
      expect(count(new RegExp(`<${tag}[ >]`, 'g')), tag).toBe(count(new RegExp(`</${tag}>`, 'g')))
    }
    expect(page.slice(0, page.indexOf('<script>'))).not.toMatch(/undefined|NaN|\[object/)
  })

  it('has a row for each run, and links to the pages that there are', async () => {
    const page = await pageOf([{}, { command: 'run' }], ['r0/report.html'])
    const rows = rowsOf(page, 'The runs')
    expect(rows[0]).toEqual(['run', 'chosen', 'ancestor', 'models', 'stored params', 'time', 'tiers'])
    expect(rows[1]).toEqual([
      'r0',
      '89.25 % w24d12[0-2]&gt;w48d12[3-11] 5.00 M MACs under macs=8M',
      '89.25 %',
      '31',
      '1.81 M',
      '1 min 50 s',
      'w12d12, w24d12, w48d12, w96d12',
    ])
    expect(page.match(/<a href="[^"]*">[^<]*/g)).toEqual(['<a href="r0/report.html">r0'])
  })

  it('has the best of each within each budget, the best of all in bold', async () => {
    const page = await pageOf([{}, { descendants: shifted(0.02) }, { descendants: shifted(-0.03, 1.5) }])
    const rows = rowsOf(page, 'The best within each budget')
    expect(rows[0]).toEqual(['run', 'macs=8M', 'macs=2M', 'macs=600k'])
    expect(rows.map(([, , , smallest]) => smallest)).toEqual([
      'macs=600k',
      '79.50 % w12d12[0-11] 471 k MACs',
      '77.50 % w12d12[0-11] 471 k MACs',
      'none so small',
    ])
    const table = page.slice(page.indexOf('<h2>The best within each budget')).split('</table>')[0]!
    expect([...table.matchAll(/<b>([^<]*)/g)].map(([, text]) => text)).toEqual(['79.50 %', '92.25 %', '89.45 %'])
  })

  it('has what differs, and nothing where nothing does', async () => {
    expect(rowsOf(await pageOf([{}, { seed: 3 }]), 'What differs')).toEqual([
      ['setting', 'r0', 'r1'],
      ['seed', '0', '3'],
    ])
    const page = await pageOf([{ choices: [] }, { choices: [] }])
    expect(page).not.toMatch(/What differs|The best within each budget/)
  })

  it('says whether accuracies can be compared', async () => {
    const ancestor = { ...sample.ancestor, testAccuracy: 0.9 }
    expect(await pageOf([{}, {}])).toContain('Families of one ancestor, all tested on 2000 images.')
    expect(await pageOf([{}, { ancestor, images: { ...sample.images, test: 500 } }])).toContain(
      'Families of different ancestors, tested on different numbers of images: their accuracies are only roughly comparable.',
    )
  })

  it('escapes whatever reports and directories say', async () => {
    const evil = '</script><script>alert("x")</script>&\'<img>'
    const report = {
      ...sample,
      version: evil,
      backend: { name: evil, version: evil },
      config: { [evil]: evil },
      auxiliaries: sample.auxiliaries.map((tier) => ({ ...tier, name: evil })),
      descendants: sample.descendants.map((row) => ({ ...row, path: `${evil}${row.id}` })),
      choice: { ...sample.choice, path: `${evil}11` },
    }
    const runs = [
      { name: 'a', dir: 'a', report },
      { name: '"><img>', dir: 'b', report: sample },
    ]
    const page = renderComparison(runs, await compareRuns(runs), ['"><img>', undefined])
    expect(page).not.toContain('<img>')
    expect(page).not.toContain('alert("')
    expect([...page.matchAll(/<script>/g)]).toHaveLength(1)
  })
})

describe('the picture of several runs', () => {
  it('has a front for each, with a colour and a shape of its own, and the ancestor once', async () => {
    const drawings = drawingsOf(await pageOf([{}, { descendants: shifted(0.02) }]))
    expect(drawings.map(({ kind }) => kind)).toEqual(['wide', 'narrow'])
    for (const { fronts, models } of drawings) {
      expect(fronts.map(({ name }) => name)).toEqual(['run-0', 'run-1'])
      const front = sample.descendants.filter(({ pareto }) => pareto)
      expect(fronts.map(({ points }) => points.length)).toEqual([front.length, front.length])
      expect(models.filter(({ kind }) => kind === 'ancestor').map(({ title, run }) => [title.split('\n')[0], run])).toEqual([
        ['the ancestor: 12 blocks of width 96', undefined],
      ])
      // The first run's own ancestor is on its front and stands there once.
      const untouched = front.filter(
        ({ macs, testAccuracy }) => macs === sample.ancestor.macs && testAccuracy === sample.ancestor.testAccuracy,
      )
      expect(models).toHaveLength(2 * front.length - untouched.length + 1)
      for (const run of ['run-0', 'run-1']) {
        expect(models.filter((model) => model.run === run && model.isRinged).map(({ title }) => title.split('\n')[0]!.slice(4))).toEqual([
          sample.choice.path.replace('>', '&gt;'),
        ])
      }
    }
  })

  it('has an ancestor for each that there is, with the names of its runs', async () => {
    const ancestor = { ...sample.ancestor, macs: 5e7, testAccuracy: 0.95 }
    for (const { models, svg } of drawingsOf(await pageOf([{}, { ancestor }, {}]))) {
      expect(models.filter(({ kind }) => kind === 'ancestor').map(({ title }) => title.split(':')[0])).toEqual([
        'the ancestor of r0, r2',
        'the ancestor of r1',
      ])
      expect([...svg.matchAll(/class="ancestor-line"/g)]).toHaveLength(2)
    }
  })

  it('has a chosen model that is on no front beside it', async () => {
    const { path } = sample.descendants.find(({ pareto }) => !pareto)!
    for (const { models } of drawingsOf(await pageOf([{ choice: { ...sample.choice, path } }, {}]))) {
      expect(models.filter(({ run, isRinged }) => run === 'run-0' && isRinged).map(({ title }) => title.split('\n')[0])).toEqual([
        `r0: ${path.replace('>', '&gt;')}`,
      ])
    }
  })

  it('has broken lines where colours come again', async () => {
    for (const { fronts } of drawingsOf(await pageOf(Array.from({ length: 10 }, (_, i) => ({ descendants: shifted(0.01 * i) }))))) {
      expect(fronts.map(({ name }) => name)).toEqual([...Array.from({ length: 8 }, (_, i) => `run-${i}`), 'run-0 again', 'run-1 again'])
    }
  })

  it('clips what lies far below, with a note that counts it', async () => {
    const descendants = sample.descendants.map((row) => (row.path.startsWith('w12d12[0-11]') ? { ...row, testAccuracy: 0.1 } : row))
    const page = await pageOf([{ descendants }, {}])
    expect(page).toContain('▽ at the lower edge: 1 accuracy far below the others.')
    expect(await pageOf([{}, {}])).not.toContain('▽')
    for (const { svg } of drawingsOf(page)) expect(svg).not.toMatch(/>10 %</)
  })

  it('names runs at the small ends of their fronts', async () => {
    const [wide] = drawingsOf(await pageOf([{}, { descendants: shifted(0.04) }]))
    expect(wide!.labels).toEqual([
      { name: 'of-run run-0', text: expect.stringMatching(/^r0( 79\.5 %)?$/) },
      { name: 'of-run run-1', text: 'r1 75.5 %' },
      { name: 'of-ancestor', text: 'ancestor 89.3 %' },
    ])
  })
})
