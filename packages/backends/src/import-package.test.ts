import { expect, test } from 'vitest'
import { importPackage } from './import-package.js'

test('gives what a package exports', async () => {
  const { version_cpu } = await importPackage('@tensorflow/tfjs-backend-cpu', () => import('@tensorflow/tfjs-backend-cpu'))
  expect(version_cpu).toBe('4.22.0')
})

test('a missing package is one line with the command that brings it', async () => {
  const missing = '@tensorflow/tfjs-backend-none'
  await expect(importPackage(missing, () => import(missing))).rejects.toThrow(
    /^@tensorflow\/tfjs-backend-none is not installed; get it with: npm install @tensorflow\/tfjs-backend-none@4\.22\.0$/,
  )
})

test('a package that is there and does not load says why, in one line', async () => {
  const load = () => Promise.reject(new Error('The native addon is missing.\nRun something.'))
  await expect(importPackage('@tensorflow/tfjs-core', load)).rejects.toThrow(
    /^@tensorflow\/tfjs-core is installed but does not load: The native addon is missing\.$/,
  )
})
