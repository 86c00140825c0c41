/** `1.65 M`, three figures. */
export function count(value: number): string {
  if (value < 1e4) return Math.round(value).toLocaleString('en')
  const [scale, unit] = value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : [1e3, ' k']
  return `${figures(value / scale)}${unit}`
}

/** `1.2 MB` */
export const bytes = (value: number) => `${count(value)}B`.replace(/(\d)B$/, '$1 B')

/** `1.84 ms` */
export const milliseconds = (value: number) => `${figures(value)} ms`

/** `89.2 %` */
export const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`

/** Three figures, and all before the point. */
export function figures(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** A name for a path that people can read: `w24 0–7 → w48 8–11`, the shared depth left out. */
export function pathText(path: string): string {
  return path
    .split('>')
    .map((segment) => {
      const [, tier, first, last] = /^(.*)\[(\d+)-(\d+)\]$/.exec(segment) ?? []
      return first === last ? `${tier} ${first}` : `${tier} ${first}–${last}`
    })
    .join(' → ')
}
