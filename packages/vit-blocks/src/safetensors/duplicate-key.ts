/**
 * The first key that an object of the JSON text holds twice, or undefined. `JSON.parse` silently keeps the last one.
 *
 * @param json Valid JSON.
 */
export function duplicateKey(json: string): string | undefined {
  // Keys seen so far, for each open object; undefined for each open array.
  const open: (Set<string> | undefined)[] = []
  let keyNext = false
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (character === '"') {
      const end = stringEnd(json, i)
      if (keyNext) {
        const key: string = JSON.parse(json.slice(i, end))
        const keys = open.at(-1)!
        if (keys.has(key)) return key
        keys.add(key)
        keyNext = false
      }
      i = end - 1
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined)
      keyNext = character === '{'
    } else if (character === '}' || character === ']') {
      open.pop()
      keyNext = false
    } else if (character === ',') {
      keyNext = open.at(-1) !== undefined
    }
  }
  return undefined
}

/** The index after the closing quote of the string that opens at `start`. */
function stringEnd(json: string, start: number): number {
  let i = start + 1
  while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1
  return i + 1
}
