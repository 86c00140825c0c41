import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'

// On a copy of what it writes, with the site's links, which are made of it.

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = readdirSync(join(root, 'packages'))
const url = 'https://example.org/somebody/models'
let copy: string

const addresses = (...args: string[]) =>
  execFileSync(process.execPath, [join(copy, '.ci/addresses.mjs'), ...args], { encoding: 'utf8', stdio: 'pipe' })
const textOf = (file: string) => readFileSync(join(copy, file), 'utf8')
const manifestOf = (folder: string) => JSON.parse(textOf(join(folder, 'package.json')))
const citation = () => parse(textOf('CITATION.cff'))

/** As `changeset version` does it. */
function release(version: string) {
  writeFileSync(join(copy, 'packages/learngene/package.json'), JSON.stringify({ ...manifestOf('packages/learngene'), version }))
}

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'addresses-'))
  const files = [
    '.ci/addresses.mjs',
    '.github/ISSUE_TEMPLATE/config.yml',
    'site/links.mjs',
    'CITATION.cff',
    'package.json',
    'LICENSE',
    ...packages.map((name) => `packages/${name}/package.json`),
  ]
  for (const file of files) {
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(root, file), join(copy, file))
  }
})
afterEach(() => rmSync(copy, { recursive: true, force: true }))

describe('addresses', () => {
  it('are written into published packages, the repository and the citation, which else stay as they were', () => {
    const before = manifestOf('packages/stitch')
    addresses(`${url}.git`)
    expect(manifestOf('packages/stitch')).toEqual({
      ...before,
      repository: { type: 'git', url: `git+${url}.git`, directory: 'packages/stitch' },
      homepage: `${url}/tree/main/packages/stitch#readme`,
      bugs: `${url}/issues`,
    })
    const { repository, homepage, bugs } = manifestOf('')
    expect({ repository, homepage, bugs }).toEqual({
      repository: { type: 'git', url: `git+${url}.git` },
      homepage: `${url}#readme`,
      bugs: `${url}/issues`,
    })
    const unnamed = packages.filter((name) => manifestOf(`packages/${name}`).repository === undefined)
    expect(unnamed).toEqual(packages.filter((name) => manifestOf(`packages/${name}`).private))
    const { 'repository-code': code, ...others } = citation()
    expect(code).toBe(url)
    expect(others).toEqual(parse(readFileSync(join(root, 'CITATION.cff'), 'utf8')))
  })

  it('are those of the links out of the site', async () => {
    addresses(url)
    const { addressOf } = await import(pathToFileURL(join(copy, 'site/links.mjs')).href)
    expect(addressOf(join(copy, 'docs/faq.md'), '../LICENSE')).toBe(`${url}/blob/main/LICENSE`)
    expect(addressOf(join(copy, 'docs/faq.md'), '../packages/stitch/package.json')).toBe(`${url}/blob/main/packages/stitch/package.json`)
    expect(addressOf(join(copy, 'docs/faq.md'), '../site')).toBe(`${url}/tree/main/site`)
  })

  it('lead from the form for issues to a private report', () => {
    const linked = () => parse(textOf('.github/ISSUE_TEMPLATE/config.yml')).contact_links.map((link: { url: string }) => link.url)
    expect(linked()).toEqual([expect.stringMatching(/^https:\/\/docs\.github\.com\//)])
    addresses(url)
    expect(linked()).toEqual([`${url}/security/advisories/new`])
  })

  it('cite the version that is released, and the day on which it became that', () => {
    addresses(url)
    expect(citation().version).toBeUndefined()
    release('1.2.0')
    addresses() // the address that is there
    expect(citation()).toMatchObject({ 'repository-code': url, version: '1.2.0' })
    expect(textOf('CITATION.cff')).toMatch(/^date-released: \d{4}-\d\d-\d\d$/m)
    const earlier = textOf('CITATION.cff').replace(/^date-released: .*$/m, 'date-released: 2020-02-02')
    writeFileSync(join(copy, 'CITATION.cff'), earlier)
    addresses(url)
    expect(textOf('CITATION.cff')).toBe(earlier)
    release('1.3.0')
    addresses(url)
    expect(textOf('CITATION.cff')).not.toContain('2020-02-02')
    expect(citation().version).toBe('1.3.0')
    expect(textOf('CITATION.cff').match(/^version: /gm)).toHaveLength(1)
  })

  it.each([[[]], [['somewhere']], [['https://example.org/name-alone']]])('of %j are refused, and nothing is written', (args) => {
    const before = textOf('package.json')
    expect(() => addresses(...args)).toThrow(`addresses needs the repository's address, https://host/owner/name; got ${args[0] ?? 'none'}`)
    expect(textOf('package.json')).toBe(before)
    expect(manifestOf('packages/stitch').repository).toBeUndefined()
  })
})
