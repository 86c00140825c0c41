// A data source of one's own: pictures that are drawn, where others would be read from a database or over the network.
// npx learngene run --config examples/extend/data.config.ts --out runs/data
import type { Dataset } from '@learngene/interfaces'
import { defineConfig } from 'learngene'
import { small } from './small.js'

const classes = ['top', 'middle', 'bottom']
const [side, length] = [16, 72]

const stripes: Dataset = {
  name: 'stripes',
  length,
  classes,
  labels: Array.from({ length }, (_, index) => index % classes.length),
  // Asked for whenever a batch needs it, so it may read from anywhere, and may return a promise.
  picture(index) {
    const top = Math.floor((side / classes.length) * (index % classes.length))
    const noise = (k: number) => (k * 7919 + index * 104729) % 60
    const data = Uint8Array.from({ length: side * side }, (_, k) => {
      const row = Math.floor(k / side)
      return noise(k) + (row >= top && row < top + 5 ? 150 : 0)
    })
    return { data, height: side, width: side, channels: 1 }
  },
  nameOf: (index) => `stripe ${index}`,
  // Whatever is computed from the pictures is computed anew when this changes.
  fingerprint: async () => 'stripes 1',
}

export default defineConfig({ ...small, data: () => ({ training: stripes }) })
