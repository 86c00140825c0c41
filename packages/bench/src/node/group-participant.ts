import { runGroup } from '@learngene/training/node'
import type { Participant, Turn } from '../participant.js'
import type { Assignment } from '../task.js'

export interface MemberInput {
  readonly assignment: Assignment
  readonly board: SharedArrayBuffer
}

/** A participant of several threads, each with a backend of its own and its share of every batch. They end with the process. */
export async function groupParticipant(assignment: Assignment, workers: number): Promise<Participant> {
  const input: MemberInput = { assignment, board: createTurnBoard() }
  let receive: (text: string) => void = () => {}
  const failed = runGroup<never>({
    size: workers,
    module: new URL('./member.js', import.meta.url),
    input,
    report: (event) => event.kind === 'message' && receive(event.text),
  })
  failed.catch(() => {})
  const reply = () =>
    Promise.race([
      failed,
      new Promise<string>((resolve) => {
        receive = resolve
      }),
    ])
  await reply()
  return {
    async turn(steps, leadIn) {
      const text = reply()
      announceTurn(input.board, steps, leadIn)
      return JSON.parse(await text) as Turn
    },
  }
}

/** Words of the shared memory by which a group's members learn of their next turn. */
const TURN = 0

const STEPS = 1

const LEAD_IN = 2

const createTurnBoard = (): SharedArrayBuffer => new SharedArrayBuffer(12)

function announceTurn(board: SharedArrayBuffer, steps: number, leadIn: number): void {
  const words = new Int32Array(board)
  words[STEPS] = steps
  words[LEAD_IN] = leadIn
  Atomics.add(words, TURN, 1)
  Atomics.notify(words, TURN)
}

/** Blocks the thread until turn `number`, counted from 1, is announced. */
export function awaitTurn(board: SharedArrayBuffer, number: number): { steps: number; leadIn: number } {
  const words = new Int32Array(board)
  Atomics.wait(words, TURN, number - 1)
  return { steps: words[STEPS]!, leadIn: words[LEAD_IN]! }
}
