import { createMetricsLog, decodeMetrics, encodeMetrics, type KeptMetrics, type MetricsLog } from './metrics.js'
import { failInPage, writeInPage } from './opfs-store.js'

/** Numbers in a page's private files, as `metrics.jsonl` of a folder: written when flushed, as a file there is written as a whole. */
export function opfsMetrics(root: FileSystemDirectoryHandle): MetricsLog {
  const name = 'metrics.jsonl'
  const handle = () => root.getFileHandle(name, { create: true })
  const guard = <T>(work: Promise<T>): Promise<T> => work.catch((error) => failInPage(`${root.name}/${name}`, error))
  const read = async () => decodeMetrics(await (await (await handle()).getFile()).text())
  const replace = (lines: readonly KeptMetrics[]) => writeInPage(root, name, [new TextEncoder().encode(encodeMetrics(lines))])
  return createMetricsLog({
    eager: false,
    append: (lines) => guard(read().then((before) => replace([...before, ...lines]))),
    sync: async () => {},
    read: () => guard(read()),
    replace: (lines) => guard(replace(lines)),
  })
}
