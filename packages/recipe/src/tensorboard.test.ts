import { expect, it } from 'vitest'
import { crc32c, eventFileStart, eventRecords } from './tensorboard.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

it('sums as RFC 3720 has it', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
})

// The bytes are those of tensorboard 2.21: RecordWriter(file).write(event_pb2.Event(...).SerializeToString()).
it('starts a file and writes a record as TensorBoard does', () => {
  expect(hex(eventFileStart(1.5))).toBe('1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c')
  expect(hex(eventRecords([{ stage: 'tier', step: 300, time: 1.5, values: { loss: 0.25, 'learning rate': 1e-3 } }]))).toBe(
    '31000000000000009d8383e909000000000000f83f10ac022a230a0b0a046c6f7373150000803e0a140a0d6c6561726e696e672072617465156f12833a5ea97b95',
  )
})
