/** A matrix as whole numbers from -127 to 127 with one scale per row: value = scale x number, to at most half a scale. */
export interface Int8Rows {
  readonly values: Int8Array
  readonly scales: Float32Array
}

/** The largest number that is stored; -128 is left out, so that both signs reach equally far. */
const most = 127

/**
 * Rounds each row to whole multiples of its own scale, its largest magnitude / 127. A row of zeros has the scale 0.
 *
 * @param data rows x any number of columns, row by row; finite
 * @param rows of which the data are made
 */
export function quantiseRows(data: Float32Array, rows: number): Int8Rows {
  const columns = data.length / rows
  const values = new Int8Array(data.length)
  const scales = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    const [begin, end] = [row * columns, (row + 1) * columns]
    let largest = 0
    for (let i = begin; i < end; i++) largest = Math.max(largest, Math.abs(data[i]!))
    scales[row] = largest / most
    const scale = scales[row]!
    if (scale === 0) continue
    for (let i = begin; i < end; i++) values[i] = Math.max(-most, Math.min(most, Math.round(data[i]! / scale)))
  }
  return { values, scales }
}

/** The values that {@link quantiseRows} stands for. */
export function dequantiseRows({ values, scales }: Int8Rows): Float32Array {
  const columns = values.length / scales.length
  return Float32Array.from(values, (value, i) => value * scales[Math.floor(i / columns)]!)
}
