/** How the threads of a workgroup share rows: a team of threads takes a row at a time. */
export interface Team {
  /** Values that a thread loads at once: 4 where rows divide by it. */
  readonly vector: 1 | 4
  /** Vectors of a row. */
  readonly vectors: number
  /** Threads of a team. */
  readonly lanes: number
  /** Vectors of a thread, which it keeps in registers. */
  readonly perLane: number
  /** Teams of a workgroup. */
  readonly teams: number
}

const THREADS = 128
const VECTORS_PER_LANE = 4

export function teamFor(width: number): Team {
  const vector = width % 4 === 0 ? 4 : 1
  const vectors = width / vector
  let lanes = 8
  while (lanes < THREADS && lanes * VECTORS_PER_LANE < vectors) lanes *= 2
  return { vector, vectors, lanes, perLane: Math.ceil(vectors / lanes), teams: THREADS / lanes }
}

/** WGSL of a team's constants, and `total(v)`, the sum of a vector's values. */
export function teamCode({ vector, vectors, lanes, perLane, teams }: Team): string {
  const type = vectorType({ vector })
  return `
const WIDTH = ${vector * vectors}.0;
const VECTORS = ${vectors}u;
const LANES = ${lanes}u;
const PER_LANE = ${perLane}u;
const TEAMS = ${teams}u;
const THREADS = ${lanes * teams}u;
fn total(v: ${type}) -> f32 { return ${vector === 4 ? 'dot(v, vec4f(1.0))' : 'v'}; }`
}

export function vectorType({ vector }: Pick<Team, 'vector'>): 'vec4f' | 'f32' {
  return vector === 4 ? 'vec4f' : 'f32'
}
