import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sampleReport } from './sample.fixture.js'
import { renderTable } from './terminal.js'
import { formatChange, formatCount, formatDifference, formatShare, textTable } from './text.js'

it.each([
  [0, '0'],
  [999, '999'],
  [1000, '1.00 k'],
  [45_234, '45.2 k'],
  [99_960, '100 k'],
  [999_949, '1000 k'],
  [999_960, '1.00 M'],
  [1_258_411_200, '1.26 G'],
  [17_582_740_224, '17.6 G'],
])('%d reads %s', (value, text) => expect(formatCount(value)).toBe(text))

it('shares and changes are percentages', () => {
  expect(formatShare(0.8645)).toBe('86.5 %')
  expect(formatShare(0.8645, 2)).toBe('86.45 %')
  expect(formatChange(60, 100)).toBe('−40.0 %')
  expect(formatChange(103, 100)).toBe('+3.0 %')
  expect(formatChange(100, 100)).toBe('0.0 %')
  expect([0, 1.26e-7].map(formatDifference)).toEqual(['0', '1.3e-7'])
})

it('tables align their columns', () => {
  expect(
    textTable(
      ['a', 'n'],
      [
        ['long', '1'],
        ['b', '100'],
      ],
      ['left', 'right'],
    ),
  ).toBe(['a       n', '────  ───', 'long    1', 'b     100'].join('\n'))
})

describe('what the terminal shows', () => {
  const report = sampleReport()
  const text = renderTable(report, 'my runs/a')
  const lines = text.split('\n')

  it('has the front by rising MACs, untrained and trained, with the choice marked', () => {
    const front = report.descendants.filter(({ pareto }) => pareto).sort((a, b) => a.macs - b.macs)
    const rows = lines.slice(3, 3 + front.length)
    front.forEach(({ path, untrainedAccuracy, testAccuracy }, i) => {
      expect(rows[i]).toContain(` ${path} `)
      expect(rows[i]).toContain(` ${formatShare(untrainedAccuracy)} `)
      expect(rows[i]!.endsWith(` ${formatShare(testAccuracy)}`)).toBe(true)
      expect(rows[i]!.startsWith('>')).toBe(path === report.choice.path)
    })
    expect(lines[3 + front.length]).toBe('')
  })

  it('has the best under each budget, the comparison, the ancestor, and what to do next', () => {
    expect(lines.some((line) => /^macs=2M +w24d12\[0-11\] +1\.65 M +87\.1 % +88\.3 %$/.test(line))).toBe(true)
    expect(lines.some((line) => /^6 of the 12 blocks +11\.8 M +82\.2 %$/.test(line))).toBe(true)
    expect(lines).toContain('ancestor: 89.3 % test accuracy, 23.5 M MACs, 1.35 M parameters')
    expect(lines).toContain('family:   31 models of 1.81 M stored parameters; untrained after 7.4 s, all done after 1 min 50 s')
    expect(lines.slice(-7)).toEqual([
      `page:     ${join('my runs', 'a', 'report.html')}`,
      '',
      'next:',
      "  npx learngene search 'my runs/a' --budget macs=2.50M",
      "  npx learngene extract 'my runs/a' --path 'w24d12[0-2]>w48d12[3-11]'",
      "  npx learngene evaluate 'my runs/a'",
      "  npx learngene studio 'my runs/a'",
    ])
    expect(
      renderTable({ ...report, command: 'run' }, 'my runs/a')
        .split('\n')
        .at(-1),
    ).toBe("  npx learngene studio 'my runs/a'")
    expect(renderTable(report, 'my runs/a', true).split('\n')).toEqual(lines.slice(0, -6))
  })

  it('has tables of at most 80 columns', () => {
    for (const line of lines.slice(
      1,
      lines.findIndex((line) => line.startsWith('ancestor:')),
    ))
      expect(line.length).toBeLessThanOrEqual(80)
  })

  it('has no empty table', () => {
    expect(renderTable({ ...report, choices: [], comparison: [] })).not.toMatch(/budget +best|beside the family|\n\n\n/)
  })
})
