import { describe, expect, it } from 'vitest'
import { MODEL_NAMES, modelOf, namedModel } from './models.js'

const config = { imageSize: 28, patchSize: 7, channels: 1, width: 96, depth: 12, heads: 3, classes: 10 }

describe('namedModel', () => {
  it('knows its names and nothing else', () => {
    expect(MODEL_NAMES.map((name) => namedModel(name)?.config.width)).toEqual([192, 384, 768, 96])
    expect(namedModel('toString')).toBeUndefined()
    expect(namedModel('deit-huge')).toBeUndefined()
  })
})

describe('modelOf', () => {
  it('takes a configuration of createViT', () => {
    expect(modelOf({ ...config, mlpRatio: 2, epsilon: 1e-5 })).toEqual({
      name: 'vit 28/7 c1 w96 d12 h3',
      config: { ...config, mlpRatio: 2, epsilon: 1e-5 },
      batch: 8,
    })
  })

  it.each([
    [null, 'must be an object'],
    [[], 'must be an object'],
    ['deit', 'must be an object'],
    [{ imageSize: 28 }, 'it lacks patchSize, channels, width, depth, heads, classes'],
    [{ ...config, dept: 3 }, 'it has dept'],
    [{ ...config, depth: 0 }, 'depth must be an integer of at least 1; got 0'],
    [{ ...config, width: '96' }, 'width must be an integer of at least 1; got "96"'],
    [{ ...config, patchSize: 5 }, 'imageSize must divide by its patchSize; got 28 and 5'],
    [{ ...config, heads: 7 }, 'width must divide by its heads; got 96 and 7'],
    [{ ...config, mlpRatio: 0 }, 'mlpRatio must be a positive number; got 0'],
    [{ ...config, mlpRatio: 0.001 }, 'width times mlpRatio must be an integer; got 96 times 0.001'],
  ])('refuses %j in one line', (value, message) => {
    expect(() => modelOf(value)).toThrow(message)
    expect(() => modelOf(value)).toThrow(/^[^\n]+$/)
  })
})
