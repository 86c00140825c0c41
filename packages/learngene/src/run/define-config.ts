import type { Overrides } from '../config/merge-config.js'
import type { RunConfig } from './config.js'

/** What a `learngene.config.ts` may say for `learngene run`; what it leaves out suits the images and the ancestor. */
export type LearngeneConfig = Overrides<RunConfig>

/** The configuration itself, for its types: `export default defineConfig({ ... })`. */
export const defineConfig = (config: LearngeneConfig): LearngeneConfig => config
