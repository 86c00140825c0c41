/** Words of the shared memory by which a group's members learn of their next turn. */
const TURN = 0
const STEPS = 1
const LEAD_IN = 2

export const createTurnBoard = (): SharedArrayBuffer => new SharedArrayBuffer(12)

export function announceTurn(board: SharedArrayBuffer, steps: number, leadIn: number): void {
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
