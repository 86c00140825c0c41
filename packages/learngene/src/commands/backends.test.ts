import { BACKEND_NAMES } from '@learngene/backends'
import { expect, it } from 'vitest'
import { run } from '../io.fixture.js'

it('describes all five as JSON, and nothing else', async () => {
  const { code, stdout } = await run(['backends', '--json'])
  expect(code).toBe(0)
  const document = JSON.parse(stdout)
  expect(Object.keys(document)).toEqual(['backends'])
  expect(document.backends.map(({ name }: { name: string }) => name)).toEqual([...BACKEND_NAMES])
  for (const backend of document.backends) {
    expect(Object.keys(backend).sort()).toEqual(['available', 'device', 'features', 'name', 'reason', 'version'])
    expect(backend.reason === null).toBe(backend.available)
  }
})

it('shows a line for each in a table', async () => {
  const { code, stdout } = await run(['backends'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^backend +available +version +device +features, or why not\n/)
  expect(stdout).toMatch(/\n\nnext: npx learngene doctor\n$/)
  expect((await run(['backends', '--quiet'])).stdout).not.toContain('next')
  for (const name of BACKEND_NAMES) expect(stdout).toMatch(new RegExp(`^${name} +(yes|no) .+$`, 'm'))
})
