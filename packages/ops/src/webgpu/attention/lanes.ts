import { readCode, type Source } from './layout.js'

/** Threads, neighbours in a subgroup, that share rows. Every subgroup has so many. */
export const LANES = 4

/** Threads of a workgroup. */
export const THREADS = 64

/**
 * How the threads of a workgroup share its rows: four lanes hold a few rows together, each lane every fourth vector of all of them. What a lane reads from workgroup
 * memory is then multiplied with as many rows, and scores are added up over the lanes.
 */
export interface LaneShape {
  /** Rows of four lanes. */
  readonly rows: 1 | 2
  /** Rows of the other side that are staged at once. */
  readonly tile: number
}

/** Rows that a workgroup owns. */
export const ownRows = ({ rows }: LaneShape): number => (THREADS / LANES) * rows

/** Vectors of a lane in all its rows: of the four such arrays of a gradient, what registers hold. */
const MOST_VECTORS = 8

/** Vectors of each row that a lane has, the last padded with zeros. */
export const vectorsOf = (headWidth: number): number => Math.ceil(headWidth / 4 / LANES)

/**
 * The shape for heads of a width. Two rows of heads of 64 were fastest on an H200, or as fast as 8 lanes with 4 rows.
 *
 * @returns undefined where the device has no subgroups, or heads are too wide for registers
 */
export function laneShapeOf(headWidth: number, { features, limits }: Pick<GPUDevice, 'features' | 'limits'>): LaneShape | undefined {
  const vectors = vectorsOf(headWidth)
  if (!features.has('subgroups') || vectors > MOST_VECTORS) return undefined
  const shape: LaneShape = { rows: 2 * vectors > MOST_VECTORS ? 1 : 2, tile: 16 }
  return workgroupBytes(headWidth, shape) <= limits.maxComputeWorkgroupStorageSize ? shape : { ...shape, tile: 8 }
}

/** Of two staged tiles, and two numbers of each of their rows. */
export const workgroupBytes = (headWidth: number, { tile }: LaneShape): number => tile * (2 * 16 * LANES * vectorsOf(headWidth) + 8)

const range = (length: number) => Array.from({ length }, (_, i) => i)

const lines = (code: readonly string[]) => code.join('\n')

/** WGSL of what a lane does with its rows, held as variables `NAME_ROW_VECTOR`. */
export function rowsOf(headWidth: number, { rows }: LaneShape) {
  const vectors = vectorsOf(headWidth)
  const each = (code: (row: number, vector: number) => string) =>
    lines(range(rows).flatMap((row) => range(vectors).map((vector) => code(row, vector))))
  const eachRow = (code: (row: number) => string) => lines(range(rows).map(code))
  const column = (vector: number) => `${vector * LANES}u + lane`
  return {
    each,
    eachRow,
    zeros: (name: string) => each((row, vector) => `var ${name}_${row}_${vector} = vec4f();`),
    /** Rows beyond the last and vectors beyond the width are zeros. */
    load: (name: string, source: Source) =>
      each((row, vector) => `let ${name}_${row}_${vector} = ${loaderOf(source)}(at, own_first + ${row}u, ${column(vector)});`),
    /** @param start WGSL of where a row starts */
    store: (name: string, tensor: string, start: (row: string) => string, factor: (row: number) => string) =>
      each((row, vector) => {
        const place = `${start(`own_first + ${row}u`)}, ${column(vector)}`
        return `if (own_first + ${row}u < u.tokens && ${column(vector)} < VECTORS) { store_${tensor}(${place}, ${name}_${row}_${vector} * ${factor(row)}); }`
      }),
    /** `NAME_VECTOR`: the vectors that this lane has of row `k` of a staged tile. */
    staged: (name: string, tile: string) =>
      lines(range(vectors).map((vector) => `let ${name}_${vector} = ${tile}[k * PADDED + lane + ${vector * LANES}u];`)),
    /** `RESULT_ROW`: this lane's part of the product of each own row with a staged one. */
    dots: (result: string, own: string, other: string) => {
      const sum = (row: number) => range(vectors).map((vector) => `${own}_${row}_${vector} * ${other}_${vector}`)
      return eachRow((row) => `let ${result}_${row} = dot(${sum(row).join(' + ')}, vec4f(1.0));`)
    },
    /** Adds a staged row to each row of a result, with weights. */
    add: (to: string, weight: (row: number) => string, other: string) =>
      each((row, vector) => `${to}_${row}_${vector} += ${weight(row)} * ${other}_${vector};`),
    /** Adds values, one of each row, over the lanes: of two rows a lane keeps the one of `own_row` and passes its part of the other on. */
    reduce(result: string, value: (row: number) => string): string {
      const [kept, given] =
        rows === 1 ? [value(0), value(0)] : [`select(${value(0)}, ${value(1)}, odd)`, `select(${value(1)}, ${value(0)}, odd)`]
      return `let ${result}_pair = ${kept} + subgroupShuffleXor(${given}, 1u);
let ${result} = ${result}_pair + subgroupShuffleXor(${result}_pair, 2u);`
    },
    /** `NAME_ROW`: the value that the lane of each row has. */
    spread: (name: string) => eachRow((row) => `let ${name}_${row} = subgroupShuffle(${name}, lane_base + ${row}u);`),
  }
}

const loaderOf = (source: Source) => (typeof source === 'string' ? `load_${source}` : `load_qkv_${source}`)

/** WGSL of what rows are loaded by. */
export function loadersCode(headWidth: number, sources: readonly Source[]): string {
  const tensors = [...new Set(sources.map((source) => (typeof source === 'string' ? source : 'qkv')))]
  return lines([
    ...tensors.map((name) => readCode(name, headWidth)),
    ...sources.map((source) => {
      const value =
        typeof source === 'string' ? `read_${source}(start_plain(at, row), c)` : `read_qkv(start_packed(at, row, ${source}u), c)`
      return `fn ${loaderOf(source)}(at: Place, row: u32, c: u32) -> vec4f {
  if (row >= u.tokens || c >= VECTORS) { return vec4f(); }
  return ${value};
}`
    }),
  ])
}

/** WGSL of two tiles of staged rows. */
export function tilesCode(headWidth: number, { tile }: LaneShape): string {
  const padded = LANES * vectorsOf(headWidth)
  return `const PADDED = ${padded}u;
var<workgroup> a_tile: array<vec4f, ${tile * padded}>;
var<workgroup> b_tile: array<vec4f, ${tile * padded}>;`
}

/** WGSL that stages the next rows of two sources, from `first` on. */
export function stageCode(headWidth: number, { tile }: LaneShape, a: Source, b: Source): string {
  const vectors = tile * LANES * vectorsOf(headWidth)
  const rounds = range(Math.ceil(vectors / THREADS)).map((round) => {
    const code = `{
      let i = thread + ${round * THREADS}u;
      let row = first + i / PADDED;
      a_tile[i] = ${loaderOf(a)}(at, row, i % PADDED);
      b_tile[i] = ${loaderOf(b)}(at, row, i % PADDED);
    }`
    return (round + 1) * THREADS > vectors ? `if (thread + ${round * THREADS}u < ${vectors}u) ${code}` : code
  })
  return lines(['workgroupBarrier();', ...rounds])
}

/** WGSL of the entry point up to which rows a lane has: from `own_first` on, and the scores of `own_row`. */
export function headCode({ rows }: LaneShape): string {
  return `fn main(
  @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32, @builtin(subgroup_invocation_id) in_subgroup: u32
) {
  let index = group.y * groups.x + group.x;
  if (index >= u.count) { return; }
  let at = place(index);
  // Neighbouring threads are neighbours in a subgroup.
  let lane = thread % ${LANES}u;
  let lane_base = in_subgroup - lane;
  let odd = lane % 2u == 1u;
  let own_first = at.first + thread / ${LANES}u * ${rows}u;
  let own_row = own_first + lane % ${rows}u;`
}
