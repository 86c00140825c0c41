/** The bytes of an IDX file of uint8, for this package's own tests. */
export const idxBytes = (shape: readonly number[], values: ArrayLike<number>): Uint8Array => {
  const bytes = new Uint8Array(4 + 4 * shape.length + values.length)
  bytes.set([0, 0, 8, shape.length])
  const view = new DataView(bytes.buffer)
  shape.forEach((size, axis) => {
    view.setUint32(4 + 4 * axis, size)
  })
  bytes.set(values, 4 + 4 * shape.length)
  return bytes
}
