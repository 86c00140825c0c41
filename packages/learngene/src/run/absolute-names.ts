import { resolve } from 'node:path'
import type { RunConfig } from './config.js'

const SPECIAL = new Set(['embedded', 'train'])

/** An ancestor whose file is found from any working directory; addresses such as hf:owner/name stay. */
export const absoluteAncestor = (model: string): string => (SPECIAL.has(model) || /^[a-z]+:/.test(model) ? model : resolve(model))

/** Images whose folder is found from any working directory; those of Fashion-MNIST stay. */
export const absoluteImages = <T extends string | undefined>(dir: T): T =>
  (dir === undefined || dir === 'embedded' || /^[a-z-]+:/.test(dir) ? dir : resolve(dir)) as T

/** The file of a list of classes; a list is itself. */
export const absoluteClasses = (classes: RunConfig['images']['classes']): RunConfig['images']['classes'] =>
  typeof classes === 'string' ? resolve(classes) : classes
