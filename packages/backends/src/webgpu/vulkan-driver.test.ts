import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mayHaveVulkan } from './vulkan-driver.js'

describe('a Vulkan driver', () => {
  let root: string
  const env = (more: object = {}) => {
    const empty = join(root, 'empty')
    return { XDG_CONFIG_HOME: empty, XDG_CONFIG_DIRS: empty, XDG_DATA_HOME: empty, XDG_DATA_DIRS: empty, ...more }
  }

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'learngene-vulkan-'))
    for (const folder of ['some', 'none']) mkdirSync(join(root, folder, 'vulkan', 'icd.d'), { recursive: true })
    writeFileSync(join(root, 'some', 'vulkan', 'icd.d', 'lvp_icd.json'), '{}')
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  it.each(['XDG_CONFIG_HOME', 'XDG_CONFIG_DIRS', 'XDG_DATA_HOME', 'XDG_DATA_DIRS'])('is found below %s', (name) => {
    expect(mayHaveVulkan(env({ [name]: join(root, 'some') }), 'linux')).toBe(true)
  })

  it('is found in any folder of a list', () => {
    expect(mayHaveVulkan(env({ XDG_DATA_DIRS: `${join(root, 'none')}:${join(root, 'some')}` }), 'linux')).toBe(true)
  })

  it('may be named by a variable of the loader', () => {
    expect(mayHaveVulkan(env({ VK_ADD_DRIVER_FILES: '/somewhere/driver.json' }), 'linux')).toBe(true)
  })

  it.each(['darwin', 'win32'])('is not looked for on %s', (platform) => {
    expect(mayHaveVulkan(env(), platform)).toBe(true)
  })

  // What is in /etc is the machine's own.
  it.skipIf(mayHaveVulkan({ XDG_CONFIG_DIRS: '/nowhere', XDG_DATA_DIRS: '/nowhere' }, 'linux'))(
    'is not found in folders without a manifest',
    () => {
      expect(mayHaveVulkan(env({ XDG_DATA_DIRS: join(root, 'none') }), 'linux')).toBe(false)
    },
  )
})
