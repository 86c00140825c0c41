// `npm test`: builds, typechecks and lints everything, looks for files, exports and dependencies that nobody uses, then runs the tests; the last line counts
// them. `npm test -- --all` runs the long ones too.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { countByBackend } from './count-by-backend.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const summary = fileURLToPath(new URL('../node_modules/.test-summary.json', import.meta.url))
const backendCounts = fileURLToPath(new URL('../node_modules/.backend-tests.json', import.meta.url))

const run = (...command) => spawnSync('npx', command, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' }).status

for (const file of [summary, backendCounts]) rmSync(file, { force: true })
const sound = run('nx', 'run-many', '-t', 'build', 'types', 'lint', 'unused', '--outputStyle=static') === 0
const all = process.argv.includes('--all')
const tests = run(
  'vitest',
  'run',
  ...(all ? [] : ['--project=!long']),
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${summary}`,
)

const {
  numPassedTests = 0,
  numFailedTests = 0,
  numPendingTests = 0,
  numTodoTests = 0,
  testResults = [],
} = existsSync(summary) ? JSON.parse(readFileSync(summary, 'utf8')) : {}
writeFileSync(backendCounts, `${JSON.stringify(countByBackend(testResults), null, 2)}\n`)
const brokenFiles = testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0).length
const failed = numFailedTests + brokenFiles + (sound ? 0 : 1)
if (!sound) console.log('Build, types, lint or knip failed: see above.')
if (!all) console.log('Long tests were left out: npm test -- --all')
console.log(`${numPassedTests} passed, ${failed || (tests === 0 ? 0 : 1)} failed, ${numPendingTests + numTodoTests} skipped`)
process.exit(sound && tests === 0 ? 0 : 1)
