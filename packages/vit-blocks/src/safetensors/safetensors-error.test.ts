import { expect, it } from 'vitest'
import { SafetensorsError } from './safetensors-error.js'

it('is an Error with a name of its own and a message of one line', () => {
  const error = new SafetensorsError('a\r\nb\u2028c\u0000d')
  expect(error).toBeInstanceOf(Error)
  expect(error.name).toBe('SafetensorsError')
  expect(error.message).toBe('a b c d')
})
