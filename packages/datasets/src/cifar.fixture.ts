/** A file whose images have planes of 10 x their number, plus 1 in green and 2 in blue, but for the first pixel's red, which is 255. */
export const cifarFile = (labels: readonly (readonly number[])[]): Uint8Array =>
  Uint8Array.from(
    labels.flatMap((bytes, i) => [...bytes, ...Array.from({ length: 3072 }, (_, at) => (at === 0 ? 255 : 10 * i + Math.floor(at / 1024)))]),
  )
