/** A value that survives `JSON.parse(JSON.stringify(value))`. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The configuration of a block or model: plain, flat where possible, and storable. */
export type JsonObject = { readonly [key: string]: Json }
