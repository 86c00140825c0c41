// Compiles assembly/ twice, with plain SIMD and with relaxed SIMD (fused multiply-add), and writes both as base64 into
// src/wasm/module.generated.ts, so that no bundler and no browser has to find a file. Usage: node scripts/build-wasm.mjs
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const root = fileURLToPath(new URL('..', import.meta.url))
const output = 'src/wasm/module.generated.ts'

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(new URL(`../${output}`, import.meta.url), await generate())

/** @returns {Promise<string>} the text of module.generated.ts */
export async function generate() {
  const simd = await compile(['simd'])
  const relaxed = await compile(['simd', 'relaxed-simd'])
  return [
    `// Made by scripts/build-wasm.mjs from assembly/. Do not edit.`,
    `/** ${simd.length} bytes. */`,
    `export const SIMD_MODULE =\n  '${Buffer.from(simd).toString('base64')}'`,
    `/** ${relaxed.length} bytes; products may be fused with the sum that takes them. */`,
    `export const RELAXED_SIMD_MODULE =\n  '${Buffer.from(relaxed).toString('base64')}'`,
    '',
  ].join('\n')
}

/** @param {string[]} features */
async function compile(features) {
  const files = new Map()
  const { error, stderr } = await asc.main(
    [
      'assembly/index.ts',
      ...['-O3', '--noAssert', '--runtime', 'stub', '--importMemory'],
      ...features.flatMap((feature) => ['--enable', feature]),
      ...['--baseDir', root, '--outFile', 'module.wasm'],
    ],
    { writeFile: (name, contents) => files.set(name, contents) },
  )
  if (error) throw new Error(`assembly/ does not compile with ${features.join(', ')}: ${stderr}`)
  const binary = files.get('module.wasm')
  refuseOwnMemory(binary)
  return binary
}

/** The module lives in the memory of somebody else: a start function or a data section would write there without being asked. */
function refuseOwnMemory(binary) {
  const forbidden = { 8: 'a start function', 11: 'a data section' }
  for (let at = 8; at < binary.length; ) {
    const id = binary[at++]
    if (forbidden[id]) throw new Error(`the compiled module must not have ${forbidden[id]}`)
    let size = 0
    for (let shift = 0; ; shift += 7) {
      const byte = binary[at++]
      size |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    at += size
  }
}
