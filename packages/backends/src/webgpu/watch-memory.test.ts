import type { OutOfMemoryError } from '@learngene/ops'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startNullDevice } from './null-device.fixture.js'
import { watchMemory } from './watch-memory.js'

const MEBI = 2 ** 20

/** Dawn's device that executes nothing has half a gibibyte. */
describe('on a device of 512 MiB', () => {
  let device: GPUDevice
  const told: OutOfMemoryError[] = []
  const others: string[] = []
  let memory: ReturnType<typeof watchMemory>

  beforeAll(async () => {
    device = await startNullDevice()
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault()
      others.push(event.error.message)
    })
    memory = watchMemory(device, (error) => told.push(error))
  })
  afterAll(() => device.destroy())

  const make = (size: number, mappedAtCreation = false) =>
    device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC, mappedAtCreation })

  test('a buffer that does not fit is told with its bytes and those in use, and what is destroyed makes room', async () => {
    const buffers = [make(250 * MEBI), make(250 * MEBI)]
    expect(memory.isPending()).toBe(true)
    await memory.settled()
    expect(memory.isPending()).toBe(false)
    expect(told).toEqual([])
    make(100 * MEBI).destroy()
    await memory.settled()
    expect(told.map(({ name, shortage }) => ({ name, ...shortage }))).toEqual([
      { name: 'OutOfMemoryError', bytes: 100 * MEBI, heldBytes: 500 * MEBI },
    ])
    buffers[0]!.destroy()
    buffers[0]!.destroy()
    const third = make(100 * MEBI)
    await memory.settled()
    expect(told).toHaveLength(1)
    for (const buffer of [...buffers, third]) buffer.destroy()
    expect(others).toEqual([])
  })

  test.each([
    ['', false],
    [', mapped or not', true],
  ])('what is asked for together is told together, and what failed is not in use%s', async (_, mapped) => {
    told.length = 0
    const big = [make(200 * MEBI), make(200 * MEBI), make(200 * MEBI, mapped), make(190 * MEBI)]
    const [mappable, small] = [make(180 * MEBI, mapped), make(60 * MEBI)]
    if (mapped) new Uint8Array(mappable.getMappedRange())[5] = 1
    if (mapped) mappable.unmap()
    await memory.settled()
    expect(told.map(({ shortage }) => shortage)).toEqual([{ bytes: (200 + 190 + 180) * MEBI, heldBytes: (200 + 200 + 60) * MEBI }])
    const later = make(100 * MEBI)
    await memory.settled()
    expect(told.slice(1).map(({ shortage }) => shortage)).toEqual([{ bytes: 100 * MEBI, heldBytes: 460 * MEBI }])
    for (const buffer of [...big, mappable, small, later]) buffer.destroy()
    told.length = 0
    make(250 * MEBI).destroy()
    await memory.settled()
    expect(told).toEqual([])
  })

  test('other errors of a buffer go where they went', async () => {
    device.createBuffer({ size: MEBI, usage: 0xffff })
    await memory.settled()
    await device.queue.onSubmittedWorkDone()
    expect(told).toEqual([])
    expect(others).toHaveLength(1)
  })
})
