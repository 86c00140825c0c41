import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

interface Lock {
  readonly packages: { readonly [path: string]: { readonly optionalDependencies?: { readonly [name: string]: string } } }
}

it('locks the optional packages of every platform, without which npm ci refuses the lock file', () => {
  const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as Lock
  const paths = Object.keys(packages)
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`)))
  expect(missing).toEqual([])
})
