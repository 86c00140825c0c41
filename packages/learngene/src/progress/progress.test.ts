import { describe, expect, it } from 'vitest'
import type { Io } from '../io.js'
import { clockText, durationText } from './clock-text.js'
import { createProgressReporter } from './progress-reporter.js'

function recorder({ isTTY = false, columns = 100, TERM = 'xterm' } = {}) {
  let text = ''
  let ms = 1000
  const write = (more: string) => {
    text += more
  }
  const io: Io = {
    stdout: { write: () => expect.unreachable() },
    stderr: { write, isTTY, columns },
    signal: new AbortController().signal,
    env: { TERM },
  }
  const progress = createProgressReporter(io, () => ms)
  return {
    ...progress,
    after(seconds: number) {
      ms += seconds * 1000
      return progress
    },
    text: () => text,
    lines: () => text.split('\n').slice(0, -1),
  }
}

describe('plain lines', () => {
  it('tell each stage at its start and end, and progress every five seconds at most', () => {
    const { report, after, lines } = recorder()
    report({ kind: 'stage', name: 'distil' })
    for (let done = 1; done <= 10; done++) after(2).report({ kind: 'progress', done, total: 10, metrics: { loss: 1 / done } })
    report({ kind: 'message', text: 'half time' })
    report({ kind: 'stage', name: 'fine-tune', total: 4 })
    after(1).close()
    expect(lines()).toEqual([
      '[0:00] distil',
      '[0:06] distil: 3 of 10, about 0:14 left, loss 0.3333',
      '[0:12] distil: 6 of 10, about 0:08 left, loss 0.1667',
      '[0:18] distil: 9 of 10, about 0:02 left, loss 0.1111',
      '[0:20] half time',
      '[0:20] distil: done in 20.0 s, loss 0.1',
      '[0:20] fine-tune',
      '[0:21] fine-tune: done in 1.0 s',
    ])
  })

  it('do not call a stage done that was cut off', () => {
    const { report, close, lines } = recorder()
    report({ kind: 'stage', name: 'distil' })
    close(false)
    expect(lines()).toEqual(['[0:00] distil'])
  })

  it('start the estimate anew where a stage counts a second time', () => {
    const { after, report, lines } = recorder()
    report({ kind: 'stage', name: 'evaluate' })
    after(100).report({ kind: 'progress', done: 10, total: 10 })
    after(0).report({ kind: 'progress', done: 0, total: 10 })
    after(6).report({ kind: 'progress', done: 2, total: 10 })
    expect(lines().at(-1)).toBe('[1:46] evaluate: 2 of 10, about 0:24 left')
  })

  it('do not take for fast what is done at once where a stage counts a second time', () => {
    const { after, report, lines } = recorder()
    report({ kind: 'stage', name: 'evaluate' })
    after(100).report({ kind: 'progress', done: 10, total: 10 })
    after(6).report({ kind: 'progress', done: 2, total: 10 })
    expect(lines().at(-1)).toBe('[1:46] evaluate: 2 of 10')
    after(6).report({ kind: 'progress', done: 4, total: 10 })
    expect(lines().at(-1)).toBe('[1:52] evaluate: 4 of 10, about 0:18 left')
  })

  it('estimate by the steps of this run alone where an earlier one did some', () => {
    const { after, report, lines } = recorder()
    report({ kind: 'stage', name: 'distil', total: 1000, done: 100 })
    after(6).report({ kind: 'progress', done: 106, total: 1000 })
    expect(lines()).toEqual(['[0:00] distil', '[0:06] distil: 106 of 1000, about 14:54 left'])
  })

  it('are what a dumb terminal gets', () => {
    const { report, text } = recorder({ isTTY: true, TERM: 'dumb' })
    report({ kind: 'stage', name: 'distil' })
    expect(text()).toBe('[0:00] distil\n')
  })
})

describe('the live line', () => {
  const clear = '\r\x1b[2K'

  it('shows stage, bar, share, remaining time and metrics, and keeps what is done', () => {
    const { report, after, close, text } = recorder({ isTTY: true })
    report({ kind: 'stage', name: 'distil' })
    after(5).report({ kind: 'progress', done: 5, total: 20, metrics: { loss: 0.123456 } })
    report({ kind: 'message', text: 'a word' })
    after(15)
    close()
    const live = ' 0:05    distil  █████░░░░░░░░░░░░░░░  25 %, about 0:15 left, loss 0.1235'
    expect(text()).toBe(
      `${clear} 0:00    distil …${clear}${live}${clear}a word\n${clear}${live}${clear} 0:20  ✓ distil  20.0 s, loss 0.1235\n`,
    )
  })

  it('is drawn ten times a second at most', () => {
    const { report, after, text } = recorder({ isTTY: true })
    report({ kind: 'stage', name: 'x', total: 1000 })
    for (let done = 1; done <= 1000; done++) after(0.001).report({ kind: 'progress', done, total: 1000 })
    expect(text().split(clear).length).toBeLessThan(13)
  })

  it('never wraps', () => {
    const { report, text } = recorder({ isTTY: true, columns: 30 })
    report({ kind: 'stage', name: 'a stage of a very long name that does not fit' })
    expect(text().slice(clear.length)).toHaveLength(29)
  })

  it.each([
    [100, ' 0:05    distil the ancestor into 9 blocks of width 192  ██░░░░  25 %, about 0:15 left, loss 0.1235'],
    [80, ' 0:05    distil the ancestor into 9 block…   25 %, about 0:15 left, loss 0.1235'],
    [60, ' 0:05    distil the a…   25 %, about 0:15 left, loss 0.1235'],
    [40, ' 0:05    distil …   25 %, about 0:15 l…'],
  ])('in %d columns shows share, remaining time and metrics before bar and name', (columns, line) => {
    const { report, after, text } = recorder({ isTTY: true, columns })
    report({ kind: 'stage', name: 'distil the ancestor into 9 blocks of width 192' })
    after(5).report({ kind: 'progress', done: 5, total: 20, metrics: { loss: 0.123456 } })
    const shown = text().split(clear).at(-1)!
    expect(shown).toBe(line)
    expect(shown.length).toBeLessThan(columns)
  })

  it('takes a terminal that reports 0 columns for one of 80', () => {
    const { report, after, text } = recorder({ isTTY: true, columns: 0 })
    report({ kind: 'stage', name: 'distil' })
    after(5).report({ kind: 'progress', done: 5, total: 20, metrics: { loss: 0.123456 } })
    expect(text()).toBe(`${clear} 0:00    distil …${clear} 0:05    distil  █████░░░░░░░░░░░░░░░  25 %, about 0:15 left, loss 0.1235`)
  })

  it('is ended by a line break where it is cut off', () => {
    const { report, close, text } = recorder({ isTTY: true })
    report({ kind: 'stage', name: 'x' })
    close(false)
    expect(text()).toBe(`${clear} 0:00    x …\n`)
  })
})

it.each([
  [0, '0:00', '0.0 s'],
  [7.26, '0:07', '7.3 s'],
  [59.94, '1:00', '59.9 s'],
  [754, '12:34', '12 min 34 s'],
  [3723, '1:02:03', '62 min 3 s'],
])('%f seconds read %s and %s', (seconds, clock, duration) => {
  expect(clockText(seconds)).toBe(clock)
  expect(durationText(seconds)).toBe(duration)
})
