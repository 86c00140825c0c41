/**
 * WGSL of `gelu(x)` and `gelu_derivative(x)` for four values: x Phi(x) and Phi(x) + x phi(x). Phi comes from its tail, which loses no digits far below
 * zero: Phi(-a) = exp(-a^2 / 2) t p(t), t = 1 / (1 + 0.35 a), with the polynomial of the wasm module (scripts/fit-approximations.mjs, relative error 4e-8).
 */
export const GELU = `
fn gaussian(x: vec4f) -> vec4f { return exp(-0.5 * x * x); }
fn distribution(x: vec4f, g: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.35 * abs(x));
  var p = vec4f(-0.029679522075176663);
  p = p * t + 0.14654583064688087;
  p = p * t - 0.2609612290418329;
  p = p * t + 0.16505099671914386;
  p = p * t - 0.02704660885755995;
  p = p * t + 0.10711458784073731;
  p = p * t + 0.11944491678723934;
  p = p * t + 0.13991229813282732;
  p = p * t + 0.13961871256065533;
  let tail = t * p * g;
  return select(1.0 - tail, tail, x < vec4f());
}
fn gelu(x: vec4f) -> vec4f { return x * distribution(x, gaussian(x)); }
fn gelu_derivative(x: vec4f) -> vec4f {
  let g = gaussian(x);
  return distribution(x, g) + 0.3989422804014327 * x * g;
}`
