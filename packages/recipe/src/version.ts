import { version as ofManifest } from '../package.json' with { type: 'json' }

/** Of this package. */
export const version: string = ofManifest
