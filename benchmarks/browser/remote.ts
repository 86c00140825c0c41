import type { Assignment, Participant, Turn } from '@learngene/bench'
import type { Question } from './worker.js'

/** Starts a participant in a Web Worker of its own. */
export async function startInWorker(assignment: Assignment, workers: Worker[]): Promise<Participant> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
  workers.push(worker)
  const ask = (question: Question) =>
    new Promise<{ turn?: Turn }>((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.error === undefined ? resolve(data) : reject(new Error(data.error)))
      worker.onerror = ({ message }) => reject(new Error(message || 'the worker cannot be started'))
      worker.postMessage(question)
    })
  await ask({ start: assignment })
  return { turn: async (steps, leadIn) => (await ask({ steps, leadIn })).turn! }
}
