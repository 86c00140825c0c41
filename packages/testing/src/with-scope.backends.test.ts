import { useBackend, withScope } from '@learngene/backends'
import { add, dispose, engine, keep, memory, mul, ones, scalar, sum, type Tensor, tidy, variable, zeros } from '@tensorflow/tfjs-core'
import * as fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { describeEachBackend } from './describe-each-backend.js'

const pause = () => new Promise((resolve) => setTimeout(resolve, 1))
const live = () => memory().numTensors

describeEachBackend(() => {
  let before: number
  beforeEach(() => {
    before = live()
  })

  test('frees what was made, before and after awaiting, but for what is returned', async () => {
    const result = await withScope(async () => {
      const x = ones([2, 3])
      const y = mul(x, 2)
      await y.data()
      const z = add(y, 1)
      await pause()
      return { total: sum(z), nested: [new Map([['z', z]])], text: 'kept as it is' }
    })
    expect(live() - before).toBe(2)
    expect((await result.total.data())[0]).toBe(18)
    expect(Array.from(await result.nested[0]!.get('z')!.data())).toEqual([3, 3, 3, 3, 3, 3])
    expect(result.text).toBe('kept as it is')
    dispose([result.total, result.nested[0]!.get('z')!])
    expect(live()).toBe(before)
  })

  test('frees on a throw, and throws the same', async () => {
    const error = new Error('mine')
    const scope = engine().state.activeScope
    const run = withScope(async () => {
      ones([4])
      await pause()
      ones([5])
      throw error
    })
    await expect(run).rejects.toBe(error)
    expect(live()).toBe(before)
    expect(engine().state.activeScope).toBe(scope)
  })

  test('leaves kept tensors, variables and tensors from outside alone', async () => {
    const outside = ones([2])
    const [kept, weights] = await withScope(async () => {
      const inside = [keep(add(outside, 1)), variable(zeros([2]))]
      await pause()
      return inside.map((tensor) => () => tensor)
    })
    expect(Array.from(await kept!().data())).toEqual([2, 2])
    expect(Array.from(await weights!().data())).toEqual([0, 0])
    expect(Array.from(await outside.data())).toEqual([1, 1])
    dispose([outside, kept!(), weights!()])
    expect(live()).toBe(before)
  })

  test('nests, with tidy inside: a result belongs to the scope around', async () => {
    let inner: Tensor | undefined
    const value = await withScope(async () => {
      inner = await withScope(async () => {
        await pause()
        return tidy(() => add(ones([3]), ones([3])))
      })
      expect(live() - before).toBe(1)
      await pause()
      return (await inner.data())[0]
    })
    expect(value).toBe(2)
    expect(inner!.isDisposed).toBe(true)
    expect(live()).toBe(before)
  })

  test('interleaved scopes are an error, and nothing is left behind', async () => {
    const open = engine().state.scopeStack.length
    let endInner: (() => void) | undefined
    const outer = withScope(async () => {
      await pause()
      return ones([2])
    })
    const inner = withScope(async () => {
      await new Promise<void>((resolve) => {
        endInner = resolve
      })
      return scalar(7)
    })
    await expect(outer).rejects.toThrow('async scopes must nest')
    endInner!()
    const result = await inner
    expect(live() - before).toBe(1)
    expect((await result.data())[0]).toBe(7)
    dispose(result)
    expect(engine().state.scopeStack).toHaveLength(open)
    expect(live()).toBe(before)
  })
})

type Tree = { made: number; returned: number; fails: boolean; inside: Tree[] }
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.record({
    made: fc.nat(3),
    returned: fc.nat(3),
    fails: fc.boolean(),
    inside: fc.array(tie('tree'), { maxLength: 2 }),
  }),
}))

test('any tree of nested scopes leaves exactly what its root returns', async () => {
  await useBackend('cpu')
  const play = ({ made, returned, fails, inside }: Tree): Promise<Tensor[]> =>
    withScope(async () => {
      const tensors: Tensor[] = Array.from({ length: made }, (_, i) => scalar(i))
      for (const each of inside) tensors.push(...(await play(each).catch(() => [])))
      await null
      if (fails) throw new Error('meant to')
      return tensors.slice(0, returned)
    })
  await fc.assert(
    fc.asyncProperty(tree, async (root) => {
      const before = live()
      const result = await play(root).catch(() => [])
      expect(live() - before).toBe(result.length)
      dispose(result)
      expect(live()).toBe(before)
    }),
    { seed: 4, numRuns: 60 },
  )
})
