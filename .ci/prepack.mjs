// Before a package is packed: builds it with its typings, which nx leaves as they are where they are up to date, and refuses to pack where a file that the
// manifest names is missing; to publish, where the manifest does not say whence the package comes.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const { name, exports: entries = {}, bin = {}, repository } = JSON.parse(readFileSync('package.json', 'utf8'))
const filesOf = (entry) => (typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(filesOf))

const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx'
const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' }
const built = spawnSync(npx, ['nx', 'run-many', '-t', 'build', 'types', '-p', `${name},@learngene/monorepo`, '--outputStyle=static'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env,
  shell: process.platform === 'win32',
})
if (built.status !== 0) {
  console.error(`${built.stdout ?? ''}${name}: a package is packed with the build of its sources; that has failed, as above`)
  process.exit(1)
}

const missing = [...filesOf(entries), ...filesOf(bin), 'LICENSE', 'README.md'].filter((file) => !existsSync(file))
if (missing.length > 0) {
  console.error(`${name}: a package must hold what its manifest names; missing: ${missing.join(', ')}`)
  process.exit(1)
}
if (process.env.npm_command === 'publish' && repository === undefined) {
  console.error(`${name}: a published package must name its repository: node .ci/addresses.mjs https://host/owner/name writes it`)
  process.exit(1)
}
