import type * as fs from 'node:fs'
import type * as fsPromises from 'node:fs/promises'
import type * as module from 'node:module'
import type * as os from 'node:os'
import type * as path from 'node:path'
import type * as util from 'node:util'

type Builtins = {
  'node:fs': typeof fs
  'node:fs/promises': typeof fsPromises
  'node:module': typeof module
  'node:os': typeof os
  'node:path': typeof path
  'node:util': typeof util
}

export const isNode = (): boolean =>
  typeof globalThis.process?.getBuiltinModule === 'function' && globalThis.process.versions?.node !== undefined

/** A module of Node's own, got without an import statement, which bundlers for browsers would refuse. */
export const nodeBuiltin = <K extends keyof Builtins>(name: K): Builtins[K] => process.getBuiltinModule(name) as unknown as Builtins[K]
