import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** This package's folder, wherever its modules have been bundled to. */
export const packageRoot = dirname(createRequire(import.meta.url).resolve('learngene/package.json'))
