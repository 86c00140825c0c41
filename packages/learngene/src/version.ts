import { version as ofManifest } from '../package.json' with { type: 'json' }

/** Of the learngene command. */
export const version: string = ofManifest
