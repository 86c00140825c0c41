import type { Reporter } from '@learngene/interfaces'
import type { Group } from '@learngene/training'
import { awaitTurn, type MemberInput } from './node/group-participant.js'
import { startParticipant } from './participant.js'

/** One thread of a group participant: tells when it is ready, then takes turns until its process ends. */
export async function main(group: Group, { assignment, board }: MemberInput, report: Reporter): Promise<never> {
  const participant = await startParticipant(assignment, group)
  group.barrier()
  report({ kind: 'message', text: 'ready' })
  for (let number = 1; ; number++) {
    const { steps, leadIn } = awaitTurn(board, number)
    report({ kind: 'message', text: JSON.stringify(await participant.turn(steps, leadIn)) })
  }
}
