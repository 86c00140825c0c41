import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const names = readdirSync(`${root}/packages`).map(
  (folder) => JSON.parse(readFileSync(`${root}/packages/${folder}/package.json`, 'utf8')).name,
)
const changesets = readdirSync(`${root}/.changeset`).filter((file) => file.endsWith('.md') && file !== 'README.md')

// One that a formatter has taken apart would stop a release, and nothing before it.
it.each(changesets)('%s says which packages it is about, and what changed', (file) => {
  const text = readFileSync(`${root}/.changeset/${file}`, 'utf8').replaceAll('\r\n', '\n')
  const [, head, body] = /^\s*---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? []
  const packages = (head ?? '').split('\n').filter((line) => line !== '')
  expect(packages.length).toBeGreaterThan(0)
  for (const line of packages) expect(names).toContain(/^["']?([^"']+)["']?: ["']?(?:patch|minor|major)["']?$/.exec(line)?.[1])
  expect(body!.trim()).not.toBe('')
})
