/** Something is wrong with a safetensors file or with what should become one. The message is a single line naming file, tensor, rule and values. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError'

  constructor(message: string) {
    super(message.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '))
  }
}
