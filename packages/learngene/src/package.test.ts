import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }

it('brings the backends that the commands start by default, and TensorFlow.js pinned', () => {
  for (const name of ['core', 'backend-wasm', 'backend-cpu'] as const)
    expect(manifest.dependencies[`@tensorflow/tfjs-${name}`]).toBe('4.22.0')
})

it('has one command, which starts in Node', () => {
  expect(manifest.bin).toEqual({ learngene: './bin/learngene.js' })
  expect(existsSync(new URL('bin.ts', import.meta.url))).toBe(true)
  expect(readFileSync(new URL('bin.ts', import.meta.url), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
})
