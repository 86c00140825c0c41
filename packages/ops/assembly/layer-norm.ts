import { bytesOf, FLOAT, multiplyAdd, sumOfLanes, VECTOR, wholeVectors } from './vectors'

/** y = gamma (x - mean) / sqrt(variance + epsilon) + beta for every row; statistics [rows, 2] = mean and reciprocal deviation. */
export function layerNorm(rows: i32, width: i32, x: usize, gamma: usize, beta: usize, epsilon: f32, y: usize, statistics: usize): void {
  const bytes = bytesOf(width)
  const whole = wholeVectors(bytes)
  for (let row = 0; row < rows; row++) {
    const mean = sum(x, bytes, whole) / <f32>width
    const inverse: f32 = 1 / sqrt(squaredDeviations(x, mean, bytes, whole) / <f32>width + epsilon)
    const means = f32x4.splat(mean)
    const inverses = f32x4.splat(inverse)
    let o: usize = 0
    for (; o < whole; o += VECTOR) {
      const normalised = f32x4.mul(f32x4.sub(v128.load(x + o), means), inverses)
      v128.store(y + o, multiplyAdd(normalised, v128.load(gamma + o), v128.load(beta + o)))
    }
    for (; o < bytes; o += FLOAT) {
      store<f32>(y + o, (load<f32>(x + o) - mean) * inverse * load<f32>(gamma + o) + load<f32>(beta + o))
    }
    store<f32>(statistics, mean)
    store<f32>(statistics, inverse, 4)
    x += bytes
    y += bytes
    statistics += 8
  }
}

/**
 * With n the normalised x and s = dy gamma: dx = inverse (s - mean(s) - n mean(s n)) + dSkip, dGamma = sum over rows of dy n, dBeta of dy. No dSkip (0)
 * counts as zeros.
 */
export function layerNormGradient(
  rows: i32,
  width: i32,
  x: usize,
  gamma: usize,
  statistics: usize,
  dy: usize,
  dSkip: usize,
  dx: usize,
  dGamma: usize,
  dBeta: usize,
): void {
  const bytes = bytesOf(width)
  const whole = wholeVectors(bytes)
  memory.fill(dGamma, 0, bytes)
  memory.fill(dBeta, 0, bytes)
  for (let row = 0; row < rows; row++) {
    const mean = load<f32>(statistics)
    const inverse = load<f32>(statistics, 4)
    const means = f32x4.splat(mean)
    const inverses = f32x4.splat(inverse)
    let sums = f32x4.splat(0)
    let projections = f32x4.splat(0)
    let o: usize = 0
    for (; o < whole; o += VECTOR) {
      const normalised = f32x4.mul(f32x4.sub(v128.load(x + o), means), inverses)
      const change = v128.load(dy + o)
      const scaled = f32x4.mul(change, v128.load(gamma + o))
      sums = f32x4.add(sums, scaled)
      projections = multiplyAdd(scaled, normalised, projections)
      v128.store(dGamma + o, multiplyAdd(change, normalised, v128.load(dGamma + o)))
      v128.store(dBeta + o, f32x4.add(change, v128.load(dBeta + o)))
    }
    let sum = sumOfLanes(sums)
    let projection = sumOfLanes(projections)
    for (; o < bytes; o += FLOAT) {
      const normalised = (load<f32>(x + o) - mean) * inverse
      const change = load<f32>(dy + o)
      const scaled = change * load<f32>(gamma + o)
      sum += scaled
      projection += scaled * normalised
      store<f32>(dGamma + o, load<f32>(dGamma + o) + change * normalised)
      store<f32>(dBeta + o, load<f32>(dBeta + o) + change)
    }
    sum /= <f32>width
    projection /= <f32>width
    sums = f32x4.splat(sum)
    projections = f32x4.splat(projection)
    for (o = 0; o < whole; o += VECTOR) {
      const normalised = f32x4.mul(f32x4.sub(v128.load(x + o), means), inverses)
      const centred = f32x4.sub(f32x4.mul(v128.load(dy + o), v128.load(gamma + o)), sums)
      const change = f32x4.mul(inverses, f32x4.sub(centred, f32x4.mul(normalised, projections)))
      v128.store(dx + o, dSkip ? f32x4.add(change, v128.load(dSkip + o)) : change)
    }
    for (; o < bytes; o += FLOAT) {
      const normalised = (load<f32>(x + o) - mean) * inverse
      const change = inverse * (load<f32>(dy + o) * load<f32>(gamma + o) - sum - normalised * projection)
      store<f32>(dx + o, dSkip ? change + load<f32>(dSkip + o) : change)
    }
    x += bytes
    dy += bytes
    if (dSkip) dSkip += bytes
    dx += bytes
    statistics += 8
  }
}

function sum(x: usize, bytes: usize, whole: usize): f32 {
  let sums = f32x4.splat(0)
  let o: usize = 0
  for (; o < whole; o += VECTOR) sums = f32x4.add(sums, v128.load(x + o))
  let total = sumOfLanes(sums)
  for (; o < bytes; o += FLOAT) total += load<f32>(x + o)
  return total
}

function squaredDeviations(x: usize, mean: f32, bytes: usize, whole: usize): f32 {
  const means = f32x4.splat(mean)
  let sums = f32x4.splat(0)
  let o: usize = 0
  for (; o < whole; o += VECTOR) {
    const deviation = f32x4.sub(v128.load(x + o), means)
    sums = multiplyAdd(deviation, deviation, sums)
  }
  let total = sumOfLanes(sums)
  for (; o < bytes; o += FLOAT) {
    const deviation = load<f32>(x + o) - mean
    total += deviation * deviation
  }
  return total
}
