/** One operation: what it makes (name and floats) and which tensors it reads. */
export type Step = readonly [makes: string, floats: number, reads: readonly string[]]

/**
 * The largest number of floats alive at once when operations run one after the other: a tensor lives from the step that makes it to the last step
 * that reads it, inputs are there from the start, and those named in `held` live to the end.
 */
export function peakOf(inputs: { readonly [name: string]: number }, steps: readonly Step[], held: readonly string[]): number {
  const sizes = new Map(Object.entries(inputs))
  let peak = 0
  for (const [i, [makes, floats, reads]] of steps.entries()) {
    for (const name of reads) if (!sizes.has(name)) throw new Error(`step ${i} reads '${name}', which is not alive`)
    sizes.set(makes, floats)
    peak = Math.max(
      peak,
      [...sizes.values()].reduce((sum, size) => sum + size, 0),
    )
    const later = new Set([...held, ...steps.slice(i + 1).flatMap(([, , reads]) => reads)])
    for (const name of sizes.keys()) if (!later.has(name)) sizes.delete(name)
  }
  return peak
}
