import { expect, it } from 'vitest'
import { assertNvidia, assertPlatform, thisPlatform } from './assert-platform.js'

it.each(['x64', 'arm64'])('takes Linux with glibc on %s', (arch) => {
  expect(() => assertPlatform({ os: 'linux', arch, glibc: '2.36' })).not.toThrow()
})

it.each([
  ['darwin', 'arm64', undefined, 'supports Linux on x64 and arm64, not darwin on arm64; use the webgpu backend'],
  ['win32', 'x64', undefined, 'not win32 on x64; use the webgpu backend'],
  ['linux', 'ia32', '2.36', 'not linux on ia32'],
  ['linux', 'x64', undefined, "TensorFlow's wheels need glibc, which this Linux does not have; use the webgpu backend"],
])('refuses %s on %s with glibc %s, and says what works there', (os, arch, glibc, message) => {
  expect(() => assertPlatform({ os, arch, glibc })).toThrow(message)
})

it('knows this platform', () => {
  expect(thisPlatform()).toMatchObject({ os: process.platform, arch: process.arch })
})

it('looks for an NVIDIA card', () => {
  expect(() => assertNvidia(['/dev/none', '/dev/null'])).not.toThrow()
  expect(() => assertNvidia(['/dev/none', '/dev/nothing'])).toThrow(
    /^tensorflow-gpu needs an NVIDIA card and its driver, and none of \/dev\/none, \/dev\/nothing is here .*without --gpu/,
  )
})
