import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const foldersIn = (folder: string) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)
export const docs = foldersIn('docs').filter((name) => name.endsWith('.md'))
const readmes = [...foldersIn('packages'), ...foldersIn('examples')].map((folder) => `${folder}/README.md`)

/** All pages that people read, from the root of the repository. */
export const pages = ['README.md', 'CONTRIBUTING.md', ...docs, ...readmes].filter((page) => existsSync(join(root, page)))
export const textOf = (page: string) => readFileSync(join(root, page), 'utf8').replaceAll('\r\n', '\n')

/** A block of code. */
export interface Fence {
  readonly page: string
  /** Of its first line of code, from 1. */
  readonly line: number
  readonly info: string
  readonly code: string
}

function fencesOf(page: string): Fence[] {
  const fences: Fence[] = []
  const lines = textOf(page).split('\n')
  for (let i = 0; i < lines.length; i += 1) {
    const info = /^```(\w.*)$/.exec(lines[i]!)?.[1]
    if (info === undefined) continue
    const end = lines.indexOf('```', i + 1)
    fences.push({ page, line: i + 2, info, code: lines.slice(i + 1, end).join('\n') })
    i = end
  }
  return fences
}

export const fences = pages.flatMap(fencesOf)
