import { setFlagsFromString } from 'node:v8'
import { describeBackends } from '@learngene/backends'
import type { Reply, Request } from './node/children.js'
import { groupParticipant } from './node/group-participant.js'
import { type Participant, startParticipant } from './participant.js'

// What each child process of a benchmark executes: one participant, or a look at the backends.
let participant: Participant

async function answer(request: Request): Promise<Reply> {
  switch (request.kind) {
    case 'describe':
      return { kind: 'described', backends: await describeBackends() }
    case 'start': {
      const relaxedSimd = setRelaxedSimd(request.relaxedSimd)
      participant = await (request.workers > 1
        ? groupParticipant(request.assignment, request.workers)
        : startParticipant(request.assignment))
      return { kind: 'ready', relaxedSimd }
    }
    case 'turn':
      return { kind: 'turn', turn: await participant.turn(request.steps, request.leadIn) }
  }
}

process.on('disconnect', () => process.exit())

process.on('message', async (request: Request) => {
  const reply = await answer(request).catch((error: unknown): Reply => {
    return { kind: 'error', message: error instanceof Error ? error.message : String(error) }
  })
  process.send!(reply)
})

/** A module whose one function is f32x4.relaxed_madd of constants. */
const PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0],
  ...[65, 0, 253, 17, 65, 0, 253, 17, 65, 0, 253, 17, 253, 133, 2, 11],
)

/**
 * Asks the engine for WebAssembly's relaxed SIMD, or for doing without. To be called before the first operation.
 *
 * @returns whether it is there now, which older and newer engines decide for themselves
 */
function setRelaxedSimd(on: boolean): boolean {
  setFlagsFromString(`--${on ? '' : 'no-'}experimental-wasm-relaxed-simd`)
  return WebAssembly.validate(PROBE)
}
