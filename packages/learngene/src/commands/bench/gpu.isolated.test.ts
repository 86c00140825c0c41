import { useBackend } from '@learngene/backends'
import { adapterFacts } from '@learngene/ops/webgpu'
import { expect, it } from 'vitest'
import { run } from '../../io.fixture.js'

const software = await useBackend('webgpu').then(
  () => adapterFacts().software,
  () => false,
)

it.skipIf(!software)(
  'learngene bench --gpu refuses an adapter that computes on the CPU in one line, before anything is timed',
  async () => {
    const { code, stdout, stderr } = await run(['bench', '--gpu', '--no-pytorch'])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(
      /^learngene: bench --gpu needs an adapter that is a GPU; the only one here computes on the CPU \([^\n]+\)\. Time a small model there by --backends webgpu --model quickstart\n$/,
    )
  },
)
