import { type PlannedStage, shareName } from './plan.js'

/** A piece of a recipe that any machine can run by itself: a stage, or a share of one. */
export interface Unit {
  /** As {@link runStage} takes it: `tier:w192`, `evaluate.2of4`. */
  readonly stage: string
  /** Of the stage's artifact; of a share, that of the whole stage. */
  readonly key: string
  /** What it reads: the keys of stages and the fingerprints of images and models, by name. */
  readonly inputs: { readonly [name: string]: string }
  /** Units of one wave need nothing of each other; all of a wave must have run before the next. Counted from 0. */
  readonly wave: number
}

/** The stage that ends a recipe: `run` is left to do it, since it says what came out. */
const LAST = 'choose'

/**
 * What of a plan can run apart, wave by wave.
 *
 * @param stands the names of stages whose artifacts stand; they need not run
 * @param shares parts that the work of stages which evaluate is cut into; with 1 it is not
 */
export function unitsOf(
  plan: readonly PlannedStage[],
  { stands, shares = 1 }: { readonly stands: ReadonlySet<string>; readonly shares?: number },
): readonly Unit[] {
  if (!Number.isInteger(shares) || shares < 1) throw new Error(`units: shares must be a positive integer; got ${shares}`)
  /** Of each stage, the first wave in which its artifact stands already. */
  const after = new Map<string, number>()
  const units: Unit[] = []
  for (const { stage, key, depends } of plan) {
    let wave = Math.max(0, ...stage.needs.map((need) => after.get(need)!))
    if (stands.has(stage.name)) {
      after.set(stage.name, 0)
      continue
    }
    if (stage.name === LAST) continue
    const inputs = { ...depends.needs, ...depends.fingerprints }
    if (stage.share && shares > 1) {
      for (let part = 1; part <= shares; part += 1) units.push({ stage: shareName(stage.name, { part, of: shares }), key, inputs, wave })
      wave += 1
    }
    units.push({ stage: stage.name, key, inputs, wave })
    after.set(stage.name, wave + 1)
  }
  return units.sort((a, b) => a.wave - b.wave)
}
