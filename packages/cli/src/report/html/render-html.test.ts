import { describe, expect, it } from 'vitest'
import { sampleReport } from '../sample.fixture.js'
import { renderHtml } from './render-html.js'

const page = renderHtml(sampleReport())
const count = (pattern: RegExp, text = page) => [...text.matchAll(pattern)].length

describe('renderHtml', () => {
  it('asks nothing of the network', () => {
    expect(page).not.toMatch(/https?:|\/\/[a-z]|@import|url\(|<link|<img|<iframe|\bsrc=/i)
    expect(page).toContain(`Content-Security-Policy" content="default-src 'none'`)
  })

  it('draws one point with a title per descendant in each of both plots, the chosen one ringed', () => {
    const { descendants, choice } = sampleReport()
    for (const { path } of descendants) {
      const title = `<title>${path.replaceAll('>', '&gt;')}\n`
      expect(page.split(title).length - 1, path).toBe(2)
    }
    const plots = page.slice(page.indexOf('on-test">'), page.indexOf('Stitches before'))
    expect(count(/<circle class="stitched/g, plots)).toBe(2 * 16)
    expect(count(/<rect class="single/g, plots)).toBe(2 * 2)
    expect(count(/<circle class="ring"/g, plots)).toBe(2)
    expect(count(/<tr class="chosen">/g)).toBe(1)
    expect(page).toContain(`<tr class="chosen"><td class="number" data-value="${descendants.find(({ path }) => path === choice.path)!.id}"`)
  })

  it('draws the front through the Pareto-optimal descendants, ascending', () => {
    const [, points] = /on-validation">[\s\S]*?<polyline class="front" points="([^"]*)"/.exec(page)!
    const places = points!.split(' ').map((pair) => pair.split(',').map(Number) as [number, number])
    expect(places).toHaveLength(sampleReport().descendants.filter(({ pareto }) => pareto).length)
    places.slice(1).forEach(([x, y], i) => {
      expect(x).toBeGreaterThan(places[i]![0])
      expect(y).toBeLessThan(places[i]![1])
    })
  })

  it('has balanced tags', () => {
    for (const tag of ['section', 'table', 'tr', 'td', 'svg', 'g', 'div', 'text', 'ul']) {
      expect(count(new RegExp(`<${tag}[ >]`, 'g')), tag).toBe(count(new RegExp(`</${tag}>`, 'g')))
    }
    expect(page.slice(0, page.indexOf('<script>'))).not.toMatch(/undefined|NaN|\[object/)
  })

  it('gives the command and the counts', () => {
    expect(page).toContain('npx learngene quickstart --seed 0 --backend wasm --workers 2 --budget macs=8M')
    expect(page).toContain('9000 images for training, 1000 held out of them for choosing, 2000 test images')
    expect(page).toContain('>420<')
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
      choice: { ...sample.choice, path: `${evil}11`, runnerUp: evil, why: evil, file: evil },
      times: { [evil]: 1 },
    }
    const escaped = renderHtml(report)
    expect(escaped).not.toContain('<img>')
    expect(escaped).not.toContain('alert("')
    expect(count(/<script>/g, escaped)).toBe(1)
  })

  it('draws small models beside a large one on a logarithmic axis', () => {
    const sample = sampleReport()
    const report = { ...sample, ancestor: { ...sample.ancestor, macs: 1e9 } }
    expect(renderHtml(report)).toMatch(/>5 M<[\s\S]*>10 M<[\s\S]*>20 M<[\s\S]*>100 M<[\s\S]*>1 G</)
  })
})
