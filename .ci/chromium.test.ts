import { expect, test } from 'vitest'
import { findChromium, webgpuArguments } from './chromium.js'

const bundled = '/home/me/.cache/ms-playwright/chromium-1/chrome'

test.each([
  [['/usr/bin/chromium', '/usr/bin/google-chrome', bundled], '/usr/bin/chromium'],
  [['/usr/bin/google-chrome', bundled], '/usr/bin/google-chrome'],
  [[bundled], bundled],
  [[], null],
])("where there is %j, pages' tests run in %s", (there, found) => {
  expect(findChromium(bundled, (path) => there.includes(path))).toBe(found)
})

test('only where a GPU is asked for, webgpu is not sent to the software adapter', () => {
  expect(webgpuArguments(false)).toContain('--use-webgpu-adapter=swiftshader')
  expect(webgpuArguments(true).join(' ')).not.toMatch(/swiftshader|disable_workgroup_init/)
})
