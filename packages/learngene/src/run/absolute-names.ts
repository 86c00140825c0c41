import { resolve } from 'node:path'
import type { RunConfig } from './config.js'

const SPECIAL = new Set(['embedded', 'train'])

/** Whether a name is an address, such as hf:owner/name or https://…; one letter before the colon is a drive of Windows. */
export const isAddress = (name: string): boolean => /^[a-z][a-z-]+:/.test(name)

/** Whether an ancestor is named by its file or folder, and not by an address or a word. */
export const isPath = (model: string): boolean => !SPECIAL.has(model) && !isAddress(model)

/** An ancestor whose file is found from any working directory; addresses such as hf:owner/name stay. */
export const absoluteAncestor = (model: string): string => (isPath(model) ? resolve(model) : model)

/** Images whose folder is found from any working directory; those of Fashion-MNIST stay. */
export const absoluteImages = <T extends string | undefined>(dir: T): T =>
  (dir === undefined || dir === 'embedded' || isAddress(dir) ? dir : resolve(dir)) as T

/** The file of a list of classes; a list is itself. */
export const absoluteClasses = (classes: RunConfig['images']['classes']): RunConfig['images']['classes'] =>
  typeof classes === 'string' ? resolve(classes) : classes
