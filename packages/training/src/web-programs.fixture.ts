import '@learngene/ops/wasm'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import { env, getBackend, setBackend } from '@tensorflow/tfjs-core'
import { serveGroup } from './serve-group.js'
import { trainRegression } from './training.fixture.js'

/** Runs one of the programs below: what the Web Workers of the tests execute. */
serveGroup(async (group, { program }: { readonly program: string }, report): Promise<unknown> => {
  switch (program) {
    case 'rank':
      return { rank: group.rank, size: group.size }
    case 'shared': {
      const all = new Float64Array(await group.share('all', 8 * group.size))
      all[group.rank] = group.rank + 1
      group.barrier()
      return Array.from(all)
    }
    case 'train': {
      // One thread for each member: together they take the cores.
      env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
      setWasmPaths(new URL('/node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/', location.origin).href)
      const trained = await trainRegression(group, report, () => setBackend('wasm'))
      return { ...trained, backend: getBackend() }
    }
    case 'throw':
      if (group.rank === 1) throw new RangeError('the images are too small')
      return group.barrier()
    case 'unsendable':
      return () => {}
    default:
      report({ kind: 'message', text: 'hanging' })
      return new Promise(() => {})
  }
})
