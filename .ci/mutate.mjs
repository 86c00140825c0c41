// `npm run mutate -- PACKAGE [FILE…]`: changes one expression of a package's sources at a time and runs the package's tests, on the cpu backend; what no
// test notices is listed. Files are globs under the package's src. Fails below 80 % of the changes found. Takes from minutes to hours.
import { Stryker } from '@stryker-mutator/core'

const [name, ...files] = process.argv.slice(2)
if (name === undefined) {
  console.error('mutate needs a package: npm run mutate -- budget-search')
  process.exit(2)
}
const src = `packages/${name}/src`
process.env.MUTATED_PACKAGE = name
const results = await new Stryker({
  mutate: [
    ...(files.length > 0 ? files : ['**/*.ts']).map((file) => `${src}/${file}`),
    `!${src}/**/*.{test,fixture}.ts`,
    `!${src}/**/{fixtures.ts,testing/**}`,
  ],
  testRunner: 'vitest',
  vitest: { configFile: '.ci/mutate.vitest.ts', related: true },
  // Texts of errors are read by people; that they come at all is what other changes test.
  mutator: { excludedMutations: ['StringLiteral'] },
  ignoreStatic: true,
  // Of files and tests that have not changed since, results are taken again.
  incremental: true,
  incrementalFile: `node_modules/.mutation/${name}.incremental.json`,
  ignorePatterns: ['/dist', '/site', '/docs', '/runs', '/examples', 'packages/*/dist', 'packages/studio', '.nx'],
  disableTypeChecks: false,
  concurrency: Number(process.env.MUTATE_CONCURRENCY ?? 2),
  timeoutMS: 20_000,
  timeoutFactor: 4,
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: true },
  jsonReporter: { fileName: `node_modules/.mutation/${name}.json` },
  // Not under node_modules, where vitest finds no tests.
  tempDirName: 'runs/.mutation',
  thresholds: { high: 90, low: 80, break: 80 },
}).runMutationTest()
console.log(`${results.length} changes`)
