import { describe, expect, it } from 'vitest'
import { sampleReport } from '../sample.fixture.js'
import { renderHtml } from './render-html.js'
import { blocksText } from './tables.js'

const page = renderHtml(sampleReport())
const count = (pattern: RegExp, text = page) => [...text.matchAll(pattern)].length

describe('renderHtml', () => {
  it('asks nothing of the network', () => {
    expect(page).not.toMatch(/https?:|\/\/[a-z]|@import|url\(|<link|<img|<iframe|\bsrc=/i)
    expect(page).toContain(`Content-Security-Policy" content="default-src 'none'`)
  })

  it('tells the numbers that matter first: the choice, the ancestor, the family, the time', () => {
    const cards = [...page.matchAll(/<div class="card"><b>([^<]*)<\/b><span class="what">([^<]*)<\/span><span>([^<]*)</g)].map((card) =>
      card.slice(1).map((text) => text.replaceAll('\u00a0', ' ').replaceAll('&#39;', "'")),
    )
    expect(cards).toEqual([
      ['89.3 %', 'the chosen model, on test images', "5.00 M MACs, 21 % of the ancestor's, and 280 k parameters"],
      ['89.3 %', 'the ancestor', '23.5 M MACs, 1.35 M parameters'],
      ['31', 'models in one pool', 'of 1.81 M stored parameters, from 471 k MACs on'],
      ['7.4 s', 'the family, untrained', 'from 128 images without labels; 1 min 50 s in total with training and evaluation'],
    ])
  })

  it('has every descendant in its table, the chosen one marked, and untrained, validation and test accuracy', () => {
    const { descendants, choice } = sampleReport()
    const table = page.slice(page.indexOf('<table class="sortable">'))
    for (const { path, untrainedAccuracy, validationAccuracy, testAccuracy } of descendants) {
      const [row, ...others] = table.split('<tr').filter((row) => row.includes(`<code>${path.replaceAll('>', '&gt;')}</code>`))
      expect(others).toEqual([])
      for (const value of [untrainedAccuracy, validationAccuracy, testAccuracy]) expect(row).toContain(`data-value="${value}"`)
      expect(row!.startsWith(' class="chosen"')).toBe(path === choice.path)
    }
  })

  it('has tables of budgets, tiers and what was compared', () => {
    const rowsOf = (title: string) =>
      [
        ...page
          .slice(page.indexOf(`<h2>${title}</h2>`))
          .split('</table>')[0]!
          .matchAll(/<tr>(<td[\s\S]*?)<\/tr>/g),
      ].map(([, row]) => [...row!.matchAll(/<td[^>]*>([\s\S]*?)<\/td>/g)].map(([, cell]) => cell!.replaceAll(/<[^>]*>/g, '')))
    expect(rowsOf('The best within each budget')).toEqual([
      ['macs=8M', 'w24d12[0-2]&gt;w48d12[3-11]', '5.00 M', '21.3 %', '87.40 %', '89.25 %'],
      ['macs=2M', 'w24d12[0-11]', '1.65 M', '7.0 %', '87.10 %', '88.35 %'],
      ['macs=600k', 'w12d12[0-11]', '471 k', '2.0 %', '44.80 %', '79.50 %'],
    ])
    expect(rowsOf('The tiers')[0]).toEqual(['w12d12', 'inherited', 'all 12', '23.6 k', '471 k', '73.8 %', '44.80 %', '141', '7.4 → 2.45'])
    expect(rowsOf('The tiers')[3]).toEqual(['w96d12', 'the ancestor', 'all 12', '1.35 M', '23.5 M', '100.0 %', '89.25 %', '0', ''])
    expect(rowsOf('Beside the family')[1]).toEqual([
      '6 of the 12 blocks',
      '11.8 M',
      '82.15 %',
      '89.25 %',
      'dropped one after the other, nothing trained',
    ])
  })

  it('leaves out the tables that have no rows', () => {
    const sample = sampleReport()
    const bare = renderHtml({
      ...sample,
      choices: [],
      comparison: [],
      initialisers: { images: 0, rows: [] },
      inheriting: { images: 0, energies: [] },
    })
    for (const title of ['The best within each budget', 'Beside the family', 'Stitches before any fine-tuning', 'energy kept by width']) {
      expect(page).toContain(title)
      expect(bare).not.toContain(`>${title}<`)
    }
  })

  it('has balanced tags', () => {
    for (const tag of ['section', 'table', 'tr', 'td', 'svg', 'g', 'div', 'text', 'ul']) {
      expect(count(new RegExp(`<${tag}[ >]`, 'g')), tag).toBe(count(new RegExp(`</${tag}>`, 'g')))
    }
    expect(page.slice(0, page.indexOf('<script>'))).not.toMatch(/undefined|NaN|\[object/)
  })

  it('gives the command and the counts', () => {
    expect(page).toContain('npx learngene quickstart --seed 0 --backend wasm --workers 2 --budget macs=8M')
    expect(page).toContain('on 9000 training images')
    expect(page).toContain('Validation on 1000 images, test and untrained on 2000.')
  })

  it('escapes whatever the report says', () => {
    const evil = '</script><script>alert("x")</script>&\'<img>'
    const sample = sampleReport()
    const report = {
      ...sample,
      version: evil,
      backend: { name: evil, version: evil },
      config: { evil },
      auxiliaries: sample.auxiliaries.map((auxiliary) => ({ ...auxiliary, name: evil })),
      initialisers: { ...sample.initialisers, rows: sample.initialisers.rows.map((row) => ({ ...row, name: evil })) },
      descendants: sample.descendants.map((row) => ({ ...row, path: `${evil}${row.id}` })),
      storage: { ...sample.storage, snnet: { ...sample.storage.snnet, anchors: evil } },
      comparison: sample.comparison.map((row) => ({ ...row, name: evil, note: evil })),
      choices: sample.choices.map((row) => ({ ...row, path: evil })),
      fineTuning: { ...sample.fineTuning, initialiser: evil },
      choice: { ...sample.choice, path: `${evil}11`, runnerUp: evil, why: evil, file: evil },
      times: { [evil]: 1 },
    }
    const escaped = renderHtml(report)
    expect(escaped).not.toContain('<img>')
    expect(escaped).not.toContain('alert("')
    expect(count(/<script>/g, escaped)).toBe(1)
  })

  it('writes blocks as ranges', () => {
    expect([blocksText([0, 1, 2], 3), blocksText([0, 1, 2, 4, 10, 11], 12), blocksText([1, 3], 4)]).toEqual([
      'all 3',
      '0-2, 4, 10-11',
      '1, 3',
    ])
  })
})
