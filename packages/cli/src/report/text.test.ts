import { expect, it } from 'vitest'
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

it('the terminal sees every descendant, the chosen one and the front marked', () => {
  const report = sampleReport()
  const lines = renderTable(report).split('\n')
  for (const { path, pareto } of report.descendants) {
    const [line, ...others] = lines.filter((line) => /^[> ] {2}/.test(line) && line.includes(` ${path} `))
    expect(others).toEqual([])
    expect(line!.endsWith('*')).toBe(pareto)
    expect(line!.startsWith('>')).toBe(path === report.choice.path)
  }
  expect(lines).toContain('pool against SN-Net: storage −50.3 %, smallest model −49.3 % parameters and −49.7 % MACs')
  expect(lines.some((line) => /^leastSquares +74\.0 % +0\.350$/.test(line))).toBe(true)
})
