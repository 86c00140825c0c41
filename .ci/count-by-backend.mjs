/** Whether a test is about training: it computed gradients, or is about what uses them. */
const trains = (file, { gradients }) => gradients > 0 || /packages\/training\/|adamw/.test(file)

/** Counts the tests that passed on each backend, by place (Node, Chromium) and by what they are about, from the JSON report of vitest. */
export function countByBackend(testResults) {
  const counts = {}
  for (const { name: file, assertionResults } of testResults) {
    for (const { status, meta } of assertionResults) {
      if (status !== 'passed' || meta?.backend === undefined) continue
      counts[meta.backend] ??= {}
      counts[meta.backend][meta.place] ??= { inference: 0, training: 0 }
      counts[meta.backend][meta.place][trains(file, meta) ? 'training' : 'inference']++
    }
  }
  return counts
}
