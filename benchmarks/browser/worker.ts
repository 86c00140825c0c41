import { type Assignment, type Participant, startParticipant } from '@learngene/bench'
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url'

/** What the page asks: first to start, then for turns. */
export type Question = { readonly start: Assignment } | { readonly steps: number; readonly leadIn: number }

const wasmPaths = {
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded,
}

let participant: Participant

async function answer(question: Question) {
  if ('start' in question) {
    participant = await startParticipant({ ...question.start, wasmPaths })
    return {}
  }
  return { turn: await participant.turn(question.steps, question.leadIn) }
}

addEventListener('message', async ({ data }: MessageEvent<Question>) => {
  postMessage(await answer(data).catch((error: unknown) => ({ error: error instanceof Error ? error.message : String(error) })))
})
