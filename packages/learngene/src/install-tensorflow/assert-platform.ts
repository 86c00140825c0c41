import { existsSync } from 'node:fs'

const ELSEWHERE = 'use the webgpu backend (it needs the packages webgpu and @tensorflow/tfjs-backend-webgpu) or wasm there'

/** What decides whether TensorFlow's wheels run here. */
export interface Platform {
  readonly os: string
  readonly arch: string
  /** Undefined on Linux without glibc, such as Alpine. */
  readonly glibc: string | undefined
}

export function thisPlatform(): Platform {
  // Without this the report looks up the names of all network addresses.
  Object.assign(process.report, { excludeNetwork: true })
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
  return { os: process.platform, arch: process.arch, glibc: header.glibcVersionRuntime }
}

/** @throws where TensorFlow's wheels, or the way in which they are linked here, do not fit */
export function assertPlatform({ os, arch, glibc }: Platform): void {
  if (os !== 'linux' || !['x64', 'arm64'].includes(arch)) {
    throw new Error(`install-tensorflow supports Linux on x64 and arm64, not ${os} on ${arch}; ${ELSEWHERE}`)
  }
  if (glibc === undefined) throw new Error(`TensorFlow's wheels need glibc, which this Linux does not have; ${ELSEWHERE}`)
}

/** What NVIDIA's driver shows programs: on Linux, and on Linux inside Windows. */
const NVIDIA = ['/dev/nvidiactl', '/dev/dxg']

/** Whether NVIDIA's driver shows this program a card. */
export const hasNvidia = (devices: readonly string[] = NVIDIA) => devices.some((device) => existsSync(device))

/** @throws where there is no NVIDIA card, before gigabytes are downloaded for it */
export function assertNvidia(devices: readonly string[] = NVIDIA): void {
  if (hasNvidia(devices)) return
  throw new Error(
    `tensorflow-gpu needs an NVIDIA card and its driver, and none of ${devices.join(', ')} is here (in a container: start it with the card); without --gpu this command installs TensorFlow for the CPU`,
  )
}
