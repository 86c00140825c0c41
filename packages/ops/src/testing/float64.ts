// The operations written as plain loops over numbers in double precision.

/** (1 + erf(x / sqrt 2)) / 2: the power series near zero, the continued fraction of the tail beyond 3. */
export function gaussianDistribution(x: number): number {
  const a = Math.abs(x)
  const density = Math.exp((-a * a) / 2) / Math.sqrt(2 * Math.PI)
  if (a > 3) {
    let fraction = 0
    for (let k = 100; k > 0; k--) fraction = k / (a + fraction)
    const tail = density / (a + fraction)
    return x < 0 ? tail : 1 - tail
  }
  let term = x
  let series = x
  for (let n = 1; n < 100; n++) {
    term *= (x * x) / (2 * n + 1)
    series += term
  }
  return 0.5 + density * series
}

export function gaussianDensity(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
}

export function layerNormRow(x: ArrayLike<number>, gamma: ArrayLike<number>, beta: ArrayLike<number>, epsilon: number): number[] {
  const row = Array.from(x)
  const mean = sum(row) / row.length
  const variance = sum(row.map((value) => (value - mean) ** 2)) / row.length
  return row.map((value, i) => (gamma[i]! * (value - mean)) / Math.sqrt(variance + epsilon) + beta[i]!)
}

export function softmaxRow(scores: ArrayLike<number>): number[] {
  const row = Array.from(scores)
  const maximum = Math.max(...row)
  const exponentials = row.map((score) => Math.exp(score - maximum))
  const total = sum(exponentials)
  return exponentials.map((value) => value / total)
}

/** @param qkv [images, tokens, 3, heads, headWidth], flat; the result is [images, tokens, heads, headWidth] */
export function attention(qkv: ArrayLike<number>, images: number, tokens: number, heads: number, headWidth: number): number[] {
  const at = (image: number, token: number, part: number, head: number, i: number) =>
    qkv[(((image * tokens + token) * 3 + part) * heads + head) * headWidth + i]!
  const range = (length: number) => Array.from({ length }, (_, i) => i)
  return range(images).flatMap((image) =>
    range(tokens).flatMap((query) =>
      range(heads).flatMap((head) => {
        const scores = range(tokens).map(
          (key) => sum(range(headWidth).map((i) => at(image, query, 0, head, i) * at(image, key, 1, head, i))) / Math.sqrt(headWidth),
        )
        const probabilities = softmaxRow(scores)
        return range(headWidth).map((i) => sum(range(tokens).map((key) => probabilities[key]! * at(image, key, 2, head, i))))
      }),
    ),
  )
}

export function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0)
}
