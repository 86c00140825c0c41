import { version as ofManifest } from '../package.json'

/** Of this package. */
export const version: string = ofManifest
