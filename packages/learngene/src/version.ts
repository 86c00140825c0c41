import { version as ofManifest } from '../package.json'

/** Of the learngene command. */
export const version: string = ofManifest
