import { memory } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'

/** Fails unless the call throws, or rejects, with an error of one line that says `message` and is no raw TypeError, and leaves no tensor behind. */
export async function expectRefusal(call: () => unknown, message: string): Promise<void> {
  const before = memory().numTensors
  const error: Error = await Promise.resolve()
    .then(call)
    .then(
      () => expect.unreachable('it must be refused'),
      (error) => error,
    )
  expect(error.message).toContain(message)
  expect(error.message).not.toContain('\n')
  expect(error).not.toBeInstanceOf(TypeError)
  expect(memory().numTensors).toBe(before)
}
