import { expect, it } from 'vitest'
import { tellApart } from './look-alikes.js'

const [composed, decomposed] = ['tri-é'.normalize('NFC'), 'tri-é'.normalize('NFD')]

it('finds the names that look the same, in either direction, and says which form each has', () => {
  expect(tellApart(['ant', composed], [decomposed, 'bee'])).toEqual({
    lacking: ['ant'],
    unknown: ['bee'],
    lookAlikes: [`${decomposed} (is NFD, must be NFC)`],
  })
  expect(tellApart([decomposed], [composed]).lookAlikes).toEqual([`${composed} (is NFC, must be NFD)`])
  const mixed = composed + decomposed
  expect(tellApart([mixed], [decomposed + decomposed]).lookAlikes).toEqual([
    `${decomposed + decomposed} (is NFD, must be neither NFC nor NFD)`,
  ])
})

it('leaves other names as they are', () => {
  expect(tellApart(['ant', 'tri-e'], [composed, 'Ant'])).toEqual({ lacking: ['ant', 'tri-e'], unknown: [composed, 'Ant'], lookAlikes: [] })
  expect(tellApart([], [])).toEqual({ lacking: [], unknown: [], lookAlikes: [] })
})
