import { parsePath } from '@learngene/stitch'
import { expect, it } from 'vitest'
import { modelFileName } from './model-file-name.js'

it.each([
  ['w24d12[0-7]>w48d12[8-11]', 'f32', 'w24d12_0-7+w48d12_8-11.safetensors'],
  ['ti9[5]', 'f16', 'ti9_5-5-f16.safetensors'],
  ['con.a[0-1]', 'f32', 'tier-con.a_0-1.safetensors'],
  ['COM1.x[0-1]>b[2-3]', 'f32', 'tier-COM1.x_0-1+b_2-3.safetensors'],
  ['console[0-1]', 'f32', 'console_0-1.safetensors'],
] as const)('%s as %s is %s', (path, dtype, name) => expect(modelFileName(parsePath(path), dtype)).toBe(name))

it('keeps long paths apart, in names that every file system takes', () => {
  const long = (last: number) => Array.from({ length: 60 }, (_, i) => `tier${i % 2}[${i}-${i === 59 ? last : i}]`).join('>')
  const names = [60, 61].map((last) => modelFileName(parsePath(long(last)), 'f16'))
  expect(new Set(names).size).toBe(2)
  for (const name of names) expect(name).toMatch(/^[\w.+-]{1,140}\.safetensors$/)
})
