import { describe, requireArguments } from '@learngene/stitch'

/** One supervised position: the auxiliary's block `student` is taught by the ancestor's block `ancestor`, both counted from 0. */
export interface SupervisedPosition {
  readonly student: number
  readonly ancestor: number
}

/** `every`: each block by the ancestor's block that it stands for; `dense`: the ends of the three thirds of both models; `last`: their last blocks only; or any list. */
export type Supervision = 'every' | 'dense' | 'last' | readonly SupervisedPosition[]

/** Of a network drawn at random: the ancestor's blocks at the ends of equal parts, ceil((k + 1) L_a / L_s) - 1; none where it is deeper than its ancestor. */
export function evenlySpread(studentDepth: number, ancestorDepth: number): readonly number[] | undefined {
  if (studentDepth > ancestorDepth) return undefined
  return Array.from({ length: studentDepth }, (_, k) => Math.ceil(((k + 1) * ancestorDepth) / studentDepth) - 1)
}

/**
 * Supervised positions of an auxiliary (method.md section 3). Dense is student ceil(k L_s / 3) - 1 <- ancestor ceil(k L_a / 3) - 1 for k = 1..3;
 * depth 9 of 12 gives 2, 5, 8 <- 3, 7, 11. Where a shallow auxiliary repeats a position the latest is kept.
 *
 * @param standsFor by block of the auxiliary, the ancestor's block that it stands for; default the ends of equal parts
 * @throws when a listed position lies outside its model
 */
export function supervisedPositions(
  supervision: Supervision,
  studentDepth: number,
  ancestorDepth: number,
  standsFor = evenlySpread(studentDepth, ancestorDepth),
): SupervisedPosition[] {
  const positions = new Map<number, SupervisedPosition>()
  const list = listed(supervision, studentDepth, ancestorDepth, standsFor)
  requireArguments('supervision', { positions: ['object[]', list] })
  for (const position of list) {
    check('student', position.student, studentDepth)
    check('ancestor', position.ancestor, ancestorDepth)
    positions.set(position.student, position)
  }
  return [...positions.values()].sort((a, b) => a.student - b.student)
}

function listed(
  supervision: Supervision,
  studentDepth: number,
  ancestorDepth: number,
  standsFor: readonly number[] | undefined,
): readonly SupervisedPosition[] {
  if (supervision === 'every') {
    if (!standsFor)
      throw new Error(
        `supervision 'every' needs an ancestor at least as deep as the auxiliary; got ${ancestorDepth} and ${studentDepth} blocks`,
      )
    return standsFor.map((ancestor, student) => ({ student, ancestor }))
  }
  if (supervision === 'last') return [{ student: studentDepth - 1, ancestor: ancestorDepth - 1 }]
  if (Array.isArray(supervision)) return supervision
  if (supervision !== 'dense')
    throw new Error(`supervision must be 'every', 'dense', 'last' or a list of { student, ancestor }; got ${describe(supervision)}`)
  return [1, 2, 3].map((k) => ({ student: Math.ceil((k * studentDepth) / 3) - 1, ancestor: Math.ceil((k * ancestorDepth) / 3) - 1 }))
}

function check(whose: string, block: number, depth: number): void {
  if (!Number.isInteger(block) || block < 0 || block >= depth) {
    throw new Error(`supervision: the ${whose} has blocks 0 to ${depth - 1}; got ${block}`)
  }
}
