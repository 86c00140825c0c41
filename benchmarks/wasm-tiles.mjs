// How fast this processor multiplies with each size of tile that a WebAssembly product could have: the inner loop of packages/ops/assembly/tile.ts,
// generated for other numbers of rows and columns, over packed panels that fit its caches as those of a product do.
//
//   node --experimental-wasm-relaxed-simd benchmarks/wasm-tiles.mjs [--rounds 15] [--json]
//
// Without the flag, plain SIMD alone is timed.
import { parseArgs } from 'node:util'
import asc from 'assemblyscript/asc'

/** Rows and columns of the tiles; the first is the one in use. */
const TILES = [
  [4, 8],
  [6, 8],
  [8, 8],
  [4, 12],
  [3, 16],
  [4, 16],
]
/** A block as products pack it: 96 rows of a stay in the second cache while panels of b stream by. Every tile divides it. */
const [ROWS, COLUMNS, DEPTH] = [96, 768, 384]

const { rounds, json } = parseArgs({ options: { rounds: { type: 'string', default: '15' }, json: { type: 'boolean' } } }).values
if (!/^[1-9]\d*$/.test(rounds)) throw new Error(`--rounds must be an integer of at least 1; got ${rounds}`)

/** c = a b, of which a is packed by `rows`, b by `columns`. */
function sourceOf(rows, columns, fused) {
  const vectors = columns / 4
  const each = (count, text) => Array.from({ length: count }, (_, i) => text(i)).join('\n')
  return `
export function multiply(a: usize, b: usize, c: usize): void {
  for (let column = 0; column < ${COLUMNS}; column += ${columns}) {
    let panel = a
    for (let row = 0; row < ${ROWS}; row += ${rows}) {
      tile(panel, b, c + (<usize>row * ${COLUMNS} + <usize>column) * 4)
      panel += ${rows * DEPTH * 4}
    }
    b += ${columns * DEPTH * 4}
  }
}
function tile(a: usize, b: usize, c: usize): void {
  ${each(rows, (i) => each(vectors, (j) => `let c${i}_${j} = f32x4.splat(0)`))}
  for (let k = 0; k < ${DEPTH}; k++) {
    ${each(vectors, (j) => `const b${j} = v128.load(b, ${16 * j})`)}
    ${each(rows, (i) => {
      const sums = (j) => (fused ? `f32x4.relaxed_madd(a${i}, b${j}, c${i}_${j})` : `f32x4.add(f32x4.mul(a${i}, b${j}), c${i}_${j})`)
      return `const a${i} = v128.load_splat<f32>(a, ${4 * i})\n${each(vectors, (j) => `c${i}_${j} = ${sums(j)}`)}`
    })}
    a += ${4 * rows}
    b += ${4 * columns}
  }
  ${each(rows, (i) => each(vectors, (j) => `v128.store(c, c${i}_${j}, ${i * COLUMNS * 4 + 16 * j})`))}
}`
}

async function compile(rows, columns, fused) {
  const options = {
    optimizeLevel: 3,
    runtime: 'stub',
    importMemory: true,
    noAssert: true,
    enable: fused ? ['simd', 'relaxed-simd'] : ['simd'],
  }
  const { binary, stderr } = await asc.compileString(sourceOf(rows, columns, fused), options)
  if (!binary) throw new Error(`the tile of ${rows} x ${columns} does not compile: ${stderr}`)
  return binary
}

const memory = new WebAssembly.Memory({ initial: 64 })
const [aAt, bAt, cAt] = [0, ROWS * DEPTH, ROWS * DEPTH + DEPTH * COLUMNS]
const floats = new Float32Array(memory.buffer)
const entry = (i) => ((i * 7919) % 127) / 64 - 1
const [a, b] = [Array.from({ length: ROWS * DEPTH }, (_, i) => entry(i)), Array.from({ length: DEPTH * COLUMNS }, (_, i) => entry(i + 5))]

/** Lays panels of a [DEPTH, extent] matrix, given by its entries, one after another. */
function pack(at, extent, width, entryAt) {
  for (let start = 0; start < extent; start += width)
    for (let k = 0; k < DEPTH; k++) for (let lane = 0; lane < width; lane++) floats[at++] = entryAt(k, start + lane)
}

function refuseWrong(name) {
  const places = [0, 9 + 5 * COLUMNS, ROWS * COLUMNS - 1]
  for (const [row, column] of places.map((at) => [Math.floor(at / COLUMNS), at % COLUMNS])) {
    let sum = 0
    for (let k = 0; k < DEPTH; k++) sum += a[row * DEPTH + k] * b[k * COLUMNS + column]
    const got = floats[cAt + row * COLUMNS + column]
    if (!(Math.abs(got - sum) < 1e-2)) throw new Error(`${name} computes ${got} at ${row}, ${column}; ${sum} is right`)
  }
}

const relaxed = WebAssembly.validate(await compile(4, 8, true))
const candidates = []
for (const fused of relaxed ? [false, true] : [false]) {
  for (const [rows, columns] of TILES) {
    const { instance } = await WebAssembly.instantiate(await compile(rows, columns, fused), { env: { memory, abort() {} } })
    const prepare = () => {
      pack(aAt, ROWS, rows, (k, row) => a[row * DEPTH + k])
      pack(bAt, COLUMNS, columns, (k, column) => b[k * COLUMNS + column])
    }
    const multiply = () => instance.exports.multiply(4 * aAt, 4 * bAt, 4 * cAt)
    candidates.push({ tile: `${rows} x ${columns}`, simd: fused ? 'relaxed' : 'plain', prepare, multiply, times: [] })
  }
}
for (let round = -2; round < Number(rounds); round++) {
  for (const { tile, prepare, multiply, times } of candidates) {
    prepare()
    for (let i = 0; i < 3; i++) multiply()
    if (round < 0) refuseWrong(tile)
    const start = performance.now()
    for (let i = 0; i < 10; i++) multiply()
    if (round >= 0) times.push((performance.now() - start) / 10)
  }
}
const median = (values) => values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)]
const rows = candidates.map(({ tile, simd, times }) => {
  const inUse = candidates.find((other) => other.simd === simd).times
  // By round, as neighbours have the same circumstances.
  return { tile, simd, gflops: (2e-6 * ROWS * COLUMNS * DEPTH) / median(times), speed: median(times.map((time, i) => inUse[i] / time)) }
})
if (json) console.log(JSON.stringify(rows, null, 2))
else
  for (const { tile, simd, gflops, speed } of rows)
    console.log(`${simd.padEnd(8)} ${tile.padStart(6)}  ${gflops.toFixed(1)} GFLOP/s  ${speed.toFixed(2)} x`)
