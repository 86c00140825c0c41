import { crc32, deflateRawSync } from 'node:zlib'

/** A zip archive of the given files, deflated unless `stored`. */
export function zip(files: { readonly [name: string]: string | Uint8Array }, { stored = false } = {}): Buffer {
  const [parts, directory]: [Buffer[], Buffer[]] = [[], []]
  let offset = 0
  for (const [name, content] of Object.entries(files)) {
    const data = Buffer.from(content)
    const packed = stored ? data : deflateRawSync(data)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(stored ? 0 : 8, 4)
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, rest, Buffer.from(name)]))
    parts.push(local)
    offset += local.length
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(directory.length, 4)
  end.writeUInt16LE(directory.length, 6)
  end.writeUInt32LE(entries.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, entries, Buffer.from('PK\x05\x06'), end])
}

export const metadata = (name = 'tensorflow_cpu', version = '2.21.0'): string => `Metadata-Version: 2.1
Name: ${name}
Version: ${version}
Requires-Dist: numpy>=1.26.0
Provides-Extra: and-cuda
Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"
Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == 'and-cuda'
Requires-Dist: tensorflow-io-gcs-filesystem>=0.23.1; (sys_platform != "win32") and extra == "gcs-filesystem"
`

/** What a TensorFlow wheel has that counts, and something that does not. */
export const wheelFiles: { readonly [name: string]: string | Uint8Array } = {
  'tensorflow/libtensorflow_cc.so.2': new Uint8Array(100_000).map((_, i) => i % 251),
  'tensorflow/libtensorflow_framework.so.2': 'framework',
  'tensorflow/include/tensorflow/c/c_api.h': '// c_api',
  'tensorflow/include/tsl/platform/ctstring.h': '// ctstring',
  'tensorflow/include/absl/log/log.h': '// log',
  'tensorflow/python/module.py': 'pass',
  'tensorflow_cpu-2.21.0.dist-info/METADATA': metadata(),
}
