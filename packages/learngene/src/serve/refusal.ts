/** What each status of a refusal is called. */
const CODES = {
  400: 'bad-request',
  404: 'not-found',
  405: 'wrong-method',
  408: 'body-too-slow',
  413: 'too-large',
  415: 'unsupported-media',
  422: 'no-model-fits',
  500: 'failed',
  503: 'overloaded',
  504: 'too-slow',
} as const

export type RefusalStatus = keyof typeof CODES

/** A request that gets an answer other than the one it asked for. */
export class Refusal extends Error {
  override readonly name = 'Refusal'

  constructor(
    readonly status: RefusalStatus,
    /** One line: the rule, what came, what to do. */
    message: string,
    readonly headers: { readonly [name: string]: string } = {},
  ) {
    super(message)
  }

  /** The body of the answer. */
  get body(): { readonly error: string; readonly code: string } {
    return { error: this.message, code: CODES[this.status] }
  }
}
