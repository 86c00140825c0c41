// `node .ci/addresses.mjs URL` writes into every published package where its sources are and where faults are reported, as npm's provenance asks;
// the release workflow calls it with the address of the repository that it runs in, so that a fork says its own.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const url = process.argv[2]?.replace(/\/$|\.git$/g, '')
if (!url || !/^https:\/\/[^/]+\/[^/]+\/.+$/.test(url)) {
  console.error(`addresses needs the repository's address, https://host/owner/name; got ${process.argv[2] ?? 'none'}`)
  process.exit(2)
}
const packages = fileURLToPath(new URL('../packages/', import.meta.url))
for (const folder of readdirSync(packages)) {
  const file = `${packages}${folder}/package.json`
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  if (manifest.private) continue
  manifest.repository = { type: 'git', url: `git+${url}.git`, directory: `packages/${folder}` }
  manifest.homepage = `${url}/tree/main/packages/${folder}#readme`
  manifest.bugs = `${url}/issues`
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`)
}
