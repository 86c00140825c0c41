/** Something in a step that cannot be recorded. It ends the recording, not the step, which then runs plainly. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** Throws a {@link Refusal}, which ends the recording even where the step catches it. */
export type Refuse = (reason: string) => never
