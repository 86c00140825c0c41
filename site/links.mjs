// Where links of the repository's Markdown lead on the site: files are linked as they lie, so that the pages can be read in the repository too.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Files that have a page of their own elsewhere on the site. */
const PAGES = { 'README.md': '/', 'docs/README.md': '/', 'examples/extend': '/extending', 'examples/extend/README.md': '/extending' }

/** @returns whether a link names a file, and not an address or a place in its own page */
export const isRelative = (href) => !/^([a-z]+:|\/|#)/i.test(href)

/** The file or folder that a relative link names, and the anchor behind it. @param from the file that has the link */
export function fileOf(from, href) {
  const [path, anchor] = href.split('#')
  return { file: resolve(dirname(from), decodeURI(path)), anchor }
}

/** The address on the site of what a relative link names; of what has no page there in the repository, or nothing where that is not known. */
export function addressOf(from, href) {
  const { file, anchor } = fileOf(from, href)
  const path = relative(root, file).replaceAll('\\', '/').replace(/\/$/, '')
  const end = anchor === undefined ? '' : `#${anchor}`
  const packageName = /^packages\/([^/]+)(\/README\.md)?$/.exec(path)?.[1]
  if (PAGES[path] !== undefined) return PAGES[path] + end
  if (packageName !== undefined) return `/api/${packageName}${end}`
  if (path.startsWith('docs/') && path.endsWith('.md')) return `/${path.slice('docs/'.length, -'.md'.length)}${end}`
  if (repository === undefined) return undefined
  const kind = existsSync(file) && statSync(file).isDirectory() ? 'tree' : 'blob'
  return `${repository.url.replace(/^git\+/, '').replace(/\.git$/, '')}/${posix.join(kind, 'main', path)}${end}`
}

/** The anchor of a heading, as GitHub makes it, so that one link serves there and on the site. */
export const slugOf = (heading) =>
  heading
    .replaceAll(/[`*]/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
