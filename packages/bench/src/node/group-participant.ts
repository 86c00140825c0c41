import { runGroup } from '@learngene/training/node'
import type { Participant, Turn } from '../participant.js'
import type { Assignment } from '../task.js'
import { announceTurn, createTurnBoard } from './turn-board.js'

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
