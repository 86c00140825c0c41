// Prints the polynomial coefficients of assembly/exponential.ts and assembly/gelu.ts (lowest power first) with their largest relative
// error: interpolation at Chebyshev nodes in double precision. Usage: node scripts/fit-approximations.mjs

const SLOPE = 0.35
/** Beyond this the Gaussian tail is zero in float32. */
const FARTHEST = 14

report('exponential', Math.exp, -Math.LN2 / 2, Math.LN2 / 2, 6)
report('gelu', (t) => tailRatio((1 / t - 1) / SLOPE) / t, 1 / (1 + SLOPE * FARTHEST), 1, 8)

/** Phi(-a) exp(a^2 / 2): the power series of the distribution function below 4, the continued fraction of Mills' ratio above. */
function tailRatio(a) {
  if (a >= 4) {
    let fraction = 0
    for (let k = 200; k > 0; k--) fraction = k / (a + fraction)
    return 1 / ((a + fraction) * Math.sqrt(2 * Math.PI))
  }
  let term = a
  let series = a
  for (let n = 1; Math.abs(term) > 1e-18 * series; n++) {
    term *= (a * a) / (2 * n + 1)
    series += term
  }
  return 0.5 * Math.exp((a * a) / 2) - series / Math.sqrt(2 * Math.PI)
}

function report(name, f, low, high, degree) {
  const coefficients = interpolate(f, low, high, degree)
  let error = 0
  for (let i = 0; i <= 10_000; i++) {
    const x = low + ((high - low) * i) / 10_000
    const y = coefficients.reduceRight((sum, c) => sum * x + c, 0)
    error = Math.max(error, Math.abs(y / f(x) - 1))
  }
  console.log(`${name}: relative error ${error.toExponential(1)}`)
  for (const [power, coefficient] of coefficients.entries()) console.log(`  ${power}: ${coefficient}`)
}

/** Coefficients in powers of x of the polynomial through f at the Chebyshev nodes of [low, high], from Newton's divided differences. */
function interpolate(f, low, high, degree) {
  const nodes = Array.from({ length: degree + 1 }, (_, i) => {
    const node = Math.cos((Math.PI * (i + 0.5)) / (degree + 1))
    return (low + high) / 2 + ((high - low) / 2) * node
  })
  const differences = nodes.map(f)
  for (let order = 1; order <= degree; order++) {
    for (let i = degree; i >= order; i--) differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - order])
  }
  let polynomial = []
  for (let i = degree; i >= 0; i--) {
    const next = [differences[i]].concat(polynomial)
    for (const [power, coefficient] of polynomial.entries()) next[power] -= nodes[i] * coefficient
    polynomial = next
  }
  return polynomial
}
