import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

it('needs nothing of Node, and no hub client, in its main entry', () => {
  const files = new Set<string>()
  const packages = new Set<string>()
  const visit = (file: URL) => {
    if (files.has(file.href)) return
    files.add(file.href)
    const source = readFileSync(file, 'utf8')
    expect(source, file.href).not.toMatch(/\bimport\((?!')/)
    for (const [statement, target] of source.matchAll(/(?:^(?:(?:import|export|\}) .*from |import )|\bimport\()'([^']+)'\)?/gm)) {
      if (/^(import|export) type /.test(statement)) continue
      if (target!.startsWith('.')) visit(new URL(target!.replace(/\.js$/, '.ts'), file))
      else packages.add(target!)
    }
  }
  visit(new URL('./index.ts', import.meta.url))
  expect(files.size).toBeGreaterThan(30)
  expect([...packages].sort()).toEqual(['@learngene/ops', '@learngene/ops/gradients', '@tensorflow/tfjs-core'])
})
