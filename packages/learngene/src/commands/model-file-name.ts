import { createHash } from 'node:crypto'
import { type CascadePaths, formatCascade, formatPath, type Path } from '@learngene/stitch'

/** Of a name before its ending: file systems take 255 bytes, and writing beside the file needs some of them. */
const LONGEST = 120

/** What Windows takes for a device, whatever follows the first dot. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/**
 * A file name after a path that every system takes: `w24d12_0-7+w48d12_8-11.safetensors`, with `-f16` where the weights are half floats; of a cascade
 * `cascade-w24d12_0-11-w96d12_0-11-0.8.safetensors`.
 */
export function modelFileName(path: Path | CascadePaths, dtype: 'f32' | 'f16'): string {
  const textOf = ({ segments }: Path) => segments.map(({ tier, first, last }) => `${tier}_${first}-${last}`).join('+')
  const isPath = 'segments' in path
  const plain = isPath
    ? textOf(path)
    : ['cascade', textOf(path.small), textOf(path.large), path.threshold, ...(path.confidence ? [path.confidence] : [])].join('-')
  const own = DEVICE.test(plain) ? `tier-${plain}` : plain
  const hash = createHash('sha256')
    .update(isPath ? formatPath(path) : formatCascade(path))
    .digest('hex')
    .slice(0, 12)
  const name = own.length > LONGEST ? `${own.slice(0, LONGEST - hash.length - 1)}-${hash}` : own
  return `${name}${dtype === 'f16' ? '-f16' : ''}.safetensors`
}
