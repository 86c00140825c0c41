/** WGSL of `finish_sums(row, part, value)`: writes the sums of four rows, and zeros for frozen ones. */
export const SUMS = `
fn finish_sums(row: u32, part: u32, value: vec4f) {
  for (var i = 0u; i < 4u; i++) {
    let at = row + i;
    if (at < u.rows) { sums[part * u.rows + at] = select(value[i], 0.0, at >= u.frozen_begin && at < u.frozen_end); }
  }
}`
