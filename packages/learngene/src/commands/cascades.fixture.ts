import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageSource } from '@learngene/datasets'
import { loadTest } from '@learngene/fashion-mnist'
import { descendantsOf, disposePool, outcomes } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import { encodeOutcomes, OUTCOMES } from '@learngene/recipe'
import { diskStore } from '@learngene/recipe/node'
import type { RunReport } from '@learngene/recipe/reports'
import { costOfPath, formatPath } from '@learngene/stitch'
import { sampleReport } from '../report/sample.fixture.js'
import { stagesOfRun } from '../run/run-folder.js'

/** Of the descendants of a run of `writeRun` that `evaluateRun` evaluates. */
export const PATHS = ['s[0-1]', 's[0-0]>l[1-1]', 'l[0-1]']

/** Keeps what three descendants make of the test images, and of half of them as validation images; what they come to in the report. */
export async function evaluateRun(dir: string): Promise<void> {
  const pool = await loadPool(join(dir, 'pool'))
  const test = imageSource(await loadTest(), { mean: [0.286], std: [0.353] })
  const paths = [...pool.space.enumerate()].filter(({ path }) => PATHS.includes(formatPath(path)))
  const networks = descendantsOf(pool, paths)
  const tested = await outcomes(networks, test)
  const validation = await outcomes(networks, test, { indices: Array.from({ length: 1000 }, (_, i) => 2 * i) })
  const share = ({ correct }: { readonly correct: Uint8Array }) => correct.reduce((sum, each) => sum + each, 0) / correct.length
  const texts = paths.map(({ path }) => formatPath(path))
  const report: RunReport = sampleReport()
  const descendants = paths.map((path, id) => ({
    ...report.descendants[0]!,
    ...{ id, path: texts[id]!, ...costOfPath(pool, path), validationAccuracy: share(validation[id]!), testAccuracy: share(tested[id]!) },
  }))
  await writeFile(join(dir, 'report.json'), JSON.stringify({ ...report, descendants }))
  const files = { [OUTCOMES]: encodeOutcomes({ paths: texts, validation, test: tested }) }
  await diskStore(stagesOfRun(dir)).write('evaluate', 'a'.repeat(64), files, {})
  disposePool(pool)
}
