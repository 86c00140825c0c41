/** 0 .. length-1. */
export const range = (length: number): Uint32Array => Uint32Array.from({ length }, (_, index) => index)

/** The index itself where it names one of `length` images; otherwise throws one line naming the dataset. */
export const checkedIndex = (name: string, index: number, length: number): number => {
  if (!Number.isInteger(index) || index < 0 || index >= length)
    throw new RangeError(`${name}: image indices are integers from 0 to ${length - 1}, got ${index}`)
  return index
}

/** The number itself where it is an integer of at least 1; otherwise throws one line naming the setting. */
export const checkedCount = (setting: string, count: number): number => {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`${setting} must be an integer of at least 1, got ${count}`)
  return count
}
