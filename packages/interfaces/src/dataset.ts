/** A decoded picture: pixels of 8 bits, row by row, height x width x channels (1 grey, 3 RGB). Nobody changes them. */
export interface RawImage {
  readonly data: Uint8Array
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** Pictures as they are stored, read by index: files of a folder, rows of a table, an array. Knows nothing of tensors or of what a network needs. */
export interface Dataset {
  /** For errors: a file's or folder's path, or a name. */
  readonly name: string
  readonly length: number
  /** In the order that labels count; none where nothing is labelled. */
  readonly classes: readonly string[]
  /** A class index for each picture; empty where there are no classes. */
  readonly labels: ArrayLike<number>
  /** One picture, decoded. Those at hand come at once, others later. */
  picture(index: number, signal?: AbortSignal): RawImage | Promise<RawImage>
  /** What error messages call a picture: its file, or its number in the dataset. */
  nameOf(index: number): string
  /** Changes when pictures, labels or classes do: a hash of the contents. */
  fingerprint(): Promise<string>
}
