import { existsSync } from 'node:fs'
import { expect, inject, test } from 'vitest'

const chromium = inject('chromium')
const skipped = chromium === null && !inject('required').includes('chromium')

test.skipIf(skipped)(`the tests of each backend run in Chromium too${skipped ? ' (which is not here)' : ''}`, () => {
  expect(
    chromium !== null && existsSync(chromium),
    'Chromium must be installed: /usr/bin/chromium, google-chrome, or by npx playwright install chromium',
  ).toBe(true)
})
