import { describe, expect, it } from 'vitest'
import { formatMeasuredBudget, parseLatencySetting, parseMeasuredBudget, parseObjective } from './budget.js'

describe('a budget with a latency', () => {
  it.each([
    ['latency=20ms@webgpu,batch=1', { caps: { latency: 20 }, backend: 'webgpu', batch: 1 }],
    ['macs=5M, latency=1.5ms', { caps: { macs: 5e6, latency: 1.5 }, backend: 'auto', batch: 1 }],
    ['batch=32,latency=20@tensorflow-gpu,params=3M', { caps: { latency: 20, parameters: 3e6 }, backend: 'tensorflow-gpu', batch: 32 }],
    ['macs=5M,bytes=1MiB', { caps: { macs: 5e6, bytes: 1048576 }, backend: 'auto', batch: 1 }],
  ] as const)('%s is read, and written so that it reads the same', (text, budget) => {
    expect(parseMeasuredBudget(text)).toEqual(budget)
    expect(parseMeasuredBudget(formatMeasuredBudget(budget))).toEqual(budget)
  })

  it.each([
    [
      'latency=20ms@gpu',
      "latency is measured on one of auto, tensorflow-gpu, webgpu, tensorflow, wasm, cpu: got 'gpu' in 'latency=20ms@gpu'",
    ],
    ['macs=5M,batch=8', "batch belongs to a cap on latency, such as latency=20ms@webgpu,batch=1: there is none in 'macs=5M,batch=8'"],
    ['latency=1ms,batch=0', "batch must be an integer from 1 to 65536: got '0'"],
    ['latency=1ms,batch=1,batch=2', 'a budget names one batch: it comes twice'],
    ['latency=fast@wasm', "the cap of latency must be a positive number, alone or with ms: got 'fast'"],
    ['latency=1ms,latency=2ms', 'a budget caps each measure once'],
    ['latency@wasm', 'a budget is a list of measure=cap'],
  ])('%s is refused', (text, message) => {
    expect(() => parseMeasuredBudget(text)).toThrow(message)
  })
})

describe('an objective', () => {
  it('is a measure, and latency says where', () => {
    expect(parseObjective('params')).toMatchObject({ objective: 'parameters' })
    expect(parseObjective('accuracy')).toMatchObject({ objective: 'accuracy' })
    expect(parseObjective('latency')).toEqual({ objective: 'latency', backend: 'auto', batch: 1 })
    expect(parseObjective('latency@wasm,batch=8')).toEqual({ objective: 'latency', backend: 'wasm', batch: 8 })
  })

  it.each([
    ['speed', 'an objective is one of accuracy, macs, parameters, memory, bytes, latency'],
    ['macs@wasm', 'only latency names a backend and a batch'],
    ['latency@tpu', 'latency is measured on one of'],
    ['latency,size=3', 'an objective reads like latency@wasm,batch=1'],
    ['latency,batch=1,batch=2', 'an objective reads like latency@wasm,batch=1'],
  ])('%s is refused', (text, message) => {
    expect(() => parseObjective(text)).toThrow(message)
  })
})

describe('where latency is measured', () => {
  it('is a backend, and a batch', () => {
    expect(parseLatencySetting('wasm')).toEqual({ backend: 'wasm', batch: 1 })
    expect(parseLatencySetting(' auto, batch=8')).toEqual({ backend: 'auto', batch: 8 })
  })

  it.each([
    ['tpu', 'latency is measured on one of'],
    ['', 'latency is measured on one of'],
    ['wasm,8', 'latency is measured on a backend, such as wasm or webgpu,batch=8'],
    ['wasm,batch=0', "batch must be an integer from 1 to 65536: got '0'"],
  ])('%j is refused', (text, message) => {
    expect(() => parseLatencySetting(text)).toThrow(message)
  })
})
