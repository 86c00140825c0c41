import type { TestProject } from 'vitest/node'
import { NODE_BACKENDS } from './backends.js'
import { findAvailable } from './start-backend.js'

/** Finds out once which backends this machine has, so that not every test file starts all of them. */
export default async function setup({ provide }: TestProject): Promise<void> {
  provide('available', await findAvailable(NODE_BACKENDS))
}
