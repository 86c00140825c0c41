import manifest from '../package.json' with { type: 'json' }

/** Of the learngene command. */
export const version: string = manifest.version
