import type * as fs from 'node:fs'
import type * as os from 'node:os'
import type * as path from 'node:path'
import type { Binding } from './backend.js'
import { TAG } from './graph.js'

type Builtins = { 'node:fs': typeof fs; 'node:os': typeof os; 'node:path': typeof path }

/** A module of Node's own, without an import statement, which bundlers for browsers would refuse. */
const builtin = <Name extends keyof Builtins>(name: Name): Builtins[Name] => process.getBuiltinModule(name) as unknown as Builtins[Name]

/**
 * Loads a SavedModel by a folder that is there for this call only.
 *
 * @returns its number, for `runSavedModel` and `deleteSavedModel`
 * @throws where TensorFlow refuses the graph or nothing can be written to the folder for temporary files
 */
export function loadGraph(binding: Binding, savedModel: Uint8Array): number {
  const { mkdtempSync, rmSync, writeFileSync } = builtin('node:fs')
  const { join } = builtin('node:path')
  const folder = mkdtempSync(join(builtin('node:os').tmpdir(), 'learngene-step-'))
  try {
    writeFileSync(join(folder, 'saved_model.pb'), savedModel)
    return binding.loadSavedModel(folder, TAG)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
