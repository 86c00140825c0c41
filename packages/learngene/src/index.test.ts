import { expect, it } from 'vitest'

it('has the whole library in one import, with files in Node', async () => {
  const [everywhere, node] = [await import('./index.js'), await import('./node.js')]
  for (const name of [
    'run',
    'forward',
    'inheritTiers',
    'buildPool',
    'ridge',
    'createRng',
    'imageSource',
    'softTarget',
    'rotate',
    'classify',
    'useBackend',
    'pareto',
  ]) {
    expect(everywhere, name).toHaveProperty(name)
  }
  for (const name of [...Object.keys(everywhere), 'imageFolder', 'diskStore', 'runGroup', 'savePool', 'main'])
    expect(node, name).toHaveProperty(name)
  expect(node.loadViT).not.toBe(everywhere.loadViT)
})
