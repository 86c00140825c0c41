/** Copies `rows` runs of `bytes` bytes that lie at regular distances. */
export function copyRows(rows: i32, bytes: usize, source: usize, sourceStride: usize, target: usize, targetStride: usize): void {
  for (let row = 0; row < rows; row++) {
    memory.copy(target, source, bytes)
    source += sourceStride
    target += targetStride
  }
}
