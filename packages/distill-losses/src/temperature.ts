export interface TemperatureOptions {
  /** T, greater than 0: both sides' logits are divided by it before the softmax. Default 1. */
  readonly temperature?: number
  /**
   * `sum` (default): summed over classes and multiplied by T^2, which keeps the gradient's size independent of T (Hinton et al. 2015,
   * arXiv 1503.02531, section 2). `mean`: divided by the number of classes and not multiplied by T^2, as the Learngene Pool's published code does.
   */
  readonly classes?: 'sum' | 'mean'
}

/** @throws when an option is out of range */
export function resolveTemperature(loss: string, options: TemperatureOptions): Required<TemperatureOptions> {
  const { temperature = 1, classes = 'sum' } = options
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new Error(`${loss}: temperature must be a number greater than 0, for example 1 or 4; got ${temperature}`)
  }
  if (classes !== 'sum' && classes !== 'mean') throw new Error(`${loss}: classes must be 'sum' or 'mean'; got '${String(classes)}'`)
  return { temperature, classes }
}

/** What the sum over classes is multiplied by. */
export function factorOf(classCount: number, { temperature, classes }: Required<TemperatureOptions>): number {
  return classes === 'sum' ? temperature ** 2 : 1 / classCount
}
