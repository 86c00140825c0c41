// `node .ci/addresses.mjs URL` writes where the sources are and where faults are reported: into every published package, as npm's provenance asks, into the
// manifest of the repository, of which the site makes its links, into the form for issues, and into CITATION.cff, with the version that is to be released and
// its day. Without URL it is the one that is there. The release workflow calls it with the address of the repository that it runs in, so that a fork says its own.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file) => readFileSync(`${root}${file}`, 'utf8')
const manifestOf = (folder) => JSON.parse(read(`${folder}package.json`))

const given = process.argv[2] ?? manifestOf('').repository?.url.replace(/^git\+/, '')
const url = given?.replace(/\/$|\.git$/g, '')
if (!url || !/^https:\/\/[^/]+\/[^/]+\/.+$/.test(url)) {
  console.error(`addresses needs the repository's address, https://host/owner/name; got ${given ?? 'none'}`)
  process.exit(2)
}

/** @param folder ends in a slash; empty for the root */
function writeManifest(folder, manifest) {
  const directory = folder.replace(/\/$/, '')
  manifest.repository = { type: 'git', url: `git+${url}.git`, ...(directory === '' ? {} : { directory }) }
  manifest.homepage = directory === '' ? `${url}#readme` : `${url}/tree/main/${directory}#readme`
  manifest.bugs = `${url}/issues`
  writeFileSync(`${root}${folder}package.json`, `${JSON.stringify(manifest, null, 2)}\n`)
}

writeManifest('', manifestOf(''))
for (const name of readdirSync(`${root}packages`)) {
  const folder = `packages/${name}/`
  const manifest = manifestOf(folder)
  if (!manifest.private) writeManifest(folder, manifest)
}

const form = '.github/ISSUE_TEMPLATE/config.yml'
writeFileSync(`${root}${form}`, read(form).replace(/^( +url: ).*$/m, `$1${url}/security/advisories/new`))

let citation = read('CITATION.cff').replaceAll('\r\n', '\n')
const stated = (key) => new RegExp(`^${key}: (.*)$`, 'm').exec(citation)?.[1]
function state(key, value) {
  const line = `${key}: ${value}`
  citation =
    stated(key) === undefined ? citation.replace(/^authors:/m, `${line}\n$&`) : citation.replace(new RegExp(`^${key}: .*$`, 'm'), line)
}
state('repository-code', url)
const { version } = manifestOf('packages/learngene/')
// Before the first release there is none to cite; a day stays that of its version.
if (version !== '0.0.0' && stated('version') !== version) {
  state('version', version)
  state('date-released', new Date().toISOString().slice(0, 10))
}
writeFileSync(`${root}CITATION.cff`, citation)
