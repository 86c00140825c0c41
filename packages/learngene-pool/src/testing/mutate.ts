import type { Json, Rng } from '@learngene/interfaces'

/** Values that no manifest or structure has where they are put, or whose meaning is in doubt. As JSON texts, so that some can be what no value is. */
const hostile: readonly string[] = [
  ...[
    'null',
    'true',
    'false',
    '[]',
    '{}',
    '0',
    '-0',
    '-1',
    '0.5',
    '1',
    '3',
    '7',
    '1e9',
    '2147483648',
    '9007199254740993',
    '1e308',
    '1e999',
    '-1e999',
    '1e-320',
  ],
  ...[
    '""',
    '"NaN"',
    '"Infinity"',
    '"1"',
    '"a\\nb"',
    '"a\\u0000b"',
    '"\\u2028"',
    '"\\ud800"',
    '"../x"',
    '"/etc/passwd"',
    '"C:\\\\x"',
    '".."',
    '"manifest.json"',
  ],
  ...['"__proto__"', '"constructor"', '"stitch"', '"loraStitch"', '"transformer"', '"multiStitch"', '"twoWay"', '"teacher"', '"all"'],
  ...[
    '[1]',
    '["a\\nb"]',
    '[[]]',
    '[null]',
    '[null,1]',
    '{"toString":1}',
    '{"toString":null,"valueOf":null}',
    '{"__proto__":{"kind":"stitch"}}',
    '{"length":3}',
  ],
  ...['{"constructor":{"prototype":null}}', '{"kind":"stitch","config":{"inputWidth":1e6,"outputWidth":1e7}}', `"${'x'.repeat(5000)}"`],
  ...[
    `[${'0,'.repeat(3000)}0]`,
    `${'['.repeat(70)}${']'.repeat(70)}`,
    `${'{"a":'.repeat(20_000)}0${'}'.repeat(20_000)}`,
    '[{"kind":"transformer","config":{"width":1e15,"heads":1}}]',
  ],
]

/** A JSON text with something in it changed: a value swapped for a hostile or another one, a key missing, twice or renamed, an item missing or twice. */
export function mutateJson(text: string, rng: Rng): string {
  const root: Json = JSON.parse(text)
  const marks: string[] = []
  const mark = (raw: string) => {
    marks.push(raw)
    return `mark ${marks.length - 1} of the mutation`
  }
  const places = placesIn(root)
  const pick = <T>(items: readonly T[]) => items[rng.integer(items.length)]!
  let result = root
  for (let changes = rng.integer(4) === 0 ? 3 : 1; changes > 0; changes--) {
    const { parent, key } = pick(places)
    if (parent === undefined) {
      if (rng.integer(20) === 0) result = mark(pick(hostile))
      continue
    }
    const holder = parent as { [key: string]: Json }
    const value = holder[key]!
    const change = rng.integer(10)
    if (change < 5) holder[key] = mark(pick(hostile))
    else if (change === 5) {
      const other = pick(places)
      if (other.parent) holder[key] = structuredClone((other.parent as { [key: string]: Json })[other.key]!)
    } else if (change === 6 && typeof value === 'number') holder[key] = pick([-value, value + 1, value * 1024, value / 3, value * 2 ** 30])
    else if (Array.isArray(parent)) {
      if (change === 7) parent.splice(Number(key), 1)
      else parent.splice(Number(key), 0, structuredClone(value ?? null))
    } else if (change === 7) delete holder[key]
    else if (change === 8) {
      delete holder[key]
      Object.defineProperty(holder, pick(['__proto__', 'constructor', 'toString', `${key}x`]), {
        value,
        enumerable: true,
        configurable: true,
      })
    } else holder[key] = mark(`${JSON.stringify(value ?? null)},${JSON.stringify(key)}:${pick(hostile)}`)
  }
  const mutated = JSON.stringify(result)
  return marks.reduce((changed, raw, i) => changed.replace(`"mark ${i} of the mutation"`, () => raw), mutated)
}

interface Place {
  /** Undefined for the whole. */
  readonly parent: Json[] | { [key: string]: Json } | undefined
  readonly key: string
}

function placesIn(root: Json): Place[] {
  const places: Place[] = [{ parent: undefined, key: '' }]
  const visit = (value: Json) => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, child] of Object.entries(value)) {
      places.push({ parent: value as Place['parent'], key })
      visit(child as Json)
    }
  }
  visit(root)
  return places
}

/** Bytes with bits flipped, cut off, longer, or overwritten by pieces of JSON. */
export function mutateBytes(bytes: Uint8Array, rng: Rng, within = bytes.length): Uint8Array {
  const change = rng.integer(10)
  if (change === 0) return bytes.slice(0, rng.integer(bytes.length))
  if (change === 1) return Uint8Array.of(...bytes.subarray(0, within), ...bytes.subarray(within), 0, 1, 2)
  const changed = bytes.slice()
  for (let left = 1 + rng.integer(4); left > 0; left--) {
    const at = rng.integer(within)
    if (change < 7) changed[at]! ^= 1 << rng.integer(8)
    else changed[at] = '{}[]",:0123456789-e \\\n'.charCodeAt(rng.integer(21))
  }
  return changed
}
