import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { commandText, nextText } from './next.js'

describe('commandText', () => {
  it.each(['runs/a', 'my runs/ü', "it's", 'w24d12[0-2]>w48d12[3-11]', '$HOME `x` "y" \\', '*', 'a\nb'])(
    'gives a shell the word %j',
    (word) => {
      const text = commandText('search', word).replace(/^npx learngene/, 'printf %s%s')
      expect(execFileSync('sh', ['-c', text], { encoding: 'utf8' })).toBe(`search${word}`)
    },
  )
})

describe('nextText', () => {
  it('shows one beside its heading and several under it', () => {
    expect(nextText(['a'])).toBe('\nnext: a\n')
    expect(nextText(['a', 'b'])).toBe('\nnext:\n  a\n  b\n')
  })

  it('is nothing where there is nothing to say', () => {
    expect(nextText(['a'], true)).toBe('')
    expect(nextText([])).toBe('')
  })
})
