/**
 * How names are sorted: 'natural' as timm does it, without regard to case and numbers by their value (`class_2` before `class_10`); 'codeUnits' as torchvision
 * does it, character by character (`Zebra` before `ant`, `10` before `2`).
 */
export type NameOrder = 'natural' | 'codeUnits'

/** A function for `sort`; equal natural keys are told apart by their code units. */
export const comparing = (order: NameOrder): ((a: string, b: string) => number) => {
  if (order === 'natural') return (a, b) => compareKeys(naturalKey(a), naturalKey(b)) || byCodeUnits(a, b)
  if (order === 'codeUnits') return byCodeUnits
  throw new Error(`the order of names must be 'natural' or 'codeUnits', got '${order}'`)
}

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Text and numbers in turn; a number is its digits without leading zeros. */
const naturalKey = (name: string): string[] =>
  name
    .toLowerCase()
    .split(/(\d+)/)
    .map((part, i) => (i % 2 === 1 ? part.replace(/^0+(?=\d)/, '') : part))

const compareKeys = (a: readonly string[], b: readonly string[]): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const longer = i % 2 === 1 ? a[i]!.length - b[i]!.length : 0
    const difference = longer || byCodeUnits(a[i]!, b[i]!)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
