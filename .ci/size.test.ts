import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bundle, bytesOf, imports, table } from './sizes.mjs'

// Bundles the built packages as a page's build does: nothing may come along that is not asked for.

/** Text that stands in one part only, and stays when it is minified. */
const marks = {
  wasm: /AGFzbQ[A-Za-z0-9+/]{100}/, // a WebAssembly module as base64
  webgpu: /@workgroup_size/,
  tensorflow: /ResourceApplyAdam/,
  gradients: /Conv2DBackpropInput/,
}

describe('what a page downloads', () => {
  const measured: object[] = []

  test.each(imports)(
    '$what: at most $limit bytes at start, no kernels and no gradients but those it is for',
    async ({ what, code, limit, parts = [] }) => {
      const { initial, onDemand } = await bundle(code)
      measured.push({ what, initial, onDemand })
      expect(bytesOf(initial)).toBeLessThanOrEqual(limit)
      const found = Object.entries(marks).flatMap(([part, mark]) => (initial.some(({ code }) => mark.test(code)) ? [part] : []))
      expect(found).toEqual(parts)
    },
  )

  test('is what the README says, to a twentieth', () => {
    const numbersOf = (line: string) => [...line.matchAll(/([\d.]+) kB/g)].map(([, kilobytes]) => Number(kilobytes))
    const wordsOf = (line: string) => line.replaceAll(/[\d.]+ kB/g, 'kB').replaceAll(/ *\| */g, '|')
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8').replaceAll('\r\n', '\n')
    const printed = table(measured)
    const said = /^\| import +\| +gzipped[\s\S]*?(?=\n\n)/m.exec(readme)![0].split('\n')
    const rows = ([head, , ...others]: readonly string[]) => [head!, ...others]
    const actual = rows(printed.split('\n'))
    expect(rows(said).map(wordsOf), `the README has another table; node .ci/sizes.mjs prints:\n${printed}`).toEqual(actual.map(wordsOf))
    const off = rows(said).flatMap((line, i) => {
      const now = numbersOf(actual[i]!)
      return numbersOf(line).every((kilobytes, j) => Math.abs(kilobytes - now[j]!) <= 0.05 * now[j]! + 0.1)
        ? []
        : [`${line}\n  now ${actual[i]}`]
    })
    expect(off).toEqual([])
  })

  test('useBackend has each kind of kernels in a chunk of its own, and train the gradients', async () => {
    const { onDemand } = await bundle("export { useBackend } from '@learngene/backends'; export { train } from '@learngene/training'")
    for (const part of ['wasm', 'webgpu', 'tensorflow', 'gradients'] as const) {
      expect(onDemand.filter(({ code }) => marks[part].test(code)).map(({ name }) => name)).toEqual([part])
    }
  })

  test('a bare import keeps what is imported for its effect, and nothing of the rest', async () => {
    const codeOf = async (entry: string) => (await bundle(`import '@learngene/${entry}'`)).initial.map(({ code }) => code).join('')
    for (const part of ['wasm', 'webgpu', 'tensorflow', 'gradients'] as const) expect(await codeOf(`ops/${part}`)).toMatch(marks[part])
    for (const entry of ['ops', 'backends', 'vit-blocks', 'distill-losses', 'stitch', 'budget-search']) {
      expect((await codeOf(entry)).length, entry).toBeLessThan(500)
    }
  })
})
