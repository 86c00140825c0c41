/** A kind of argument: what it is and how one comes by it, and the members by which it is told from other things. */
interface ArgumentKind {
  readonly is: string
  readonly members: readonly string[]
}

const KINDS = {
  rng: { is: 'a generator of random numbers, for example createRng(0)', members: ['fork', 'uniform', 'integer'] },
  network: { is: 'a network, for example of loadModel or createViT', members: ['embedding', 'blocks', 'head'] },
  source: { is: 'a source of images: { length, classes, batch(indices) }', members: ['length', 'classes', 'batch'] },
  tier: { is: 'a tier: { name, network, transformations }', members: ['name', 'network', 'transformations'] },
  family: { is: 'a pool or another stitched family', members: ['tiers', 'space', 'stitches'] },
  stitched: { is: 'a pool or another stitched family', members: ['tiers', 'stitches'] },
  space: { is: 'a path space, for example pool.space', members: ['enumerate', 'sample', 'stitchIds'] },
  paths: { is: 'a path space, for example pool.space', members: ['enumerate'] },
  path: { is: "a path: parsePath('ti9[0-5]>ba9[6-8]') reads one", members: ['segments'] },
  stitchedPath: {
    is: "a path with its stitches: of a space's enumerate(), sample(rng) or find(parsePath('ti9[0-5]>ba9[6-8]'))",
    members: ['path', 'stitches'],
  },
  loaded: { is: 'what loadModel gave: { network, details }', members: ['network', 'details'] },
  rotated: { is: 'a network in principal order, of rotate or rotatedFrom', members: ['network', 'order'] },
  principalOrder: { is: 'the order that rotate or rotatedFrom gave', members: ['energies', 'drops'] },
  inheritance: { is: 'what openInheritance gave', members: ['ancestor', 'rotated', 'calibration'] },
  cut: { is: 'what cut gave: { network, ancestor, standsFor }', members: ['network', 'ancestor', 'standsFor'] },
  names: { is: "a list of names, for example ['block.3']", members: ['flatMap'] },
  function: { is: 'a function', members: ['call'] },
  object: { is: 'an object', members: [] },
} as const satisfies { readonly [kind: string]: ArgumentKind }

/**
 * Checks arguments of a public function by what they must have, so that a missing or mistaken one is told in one line: the function, the argument,
 * what is expected and what came. Only looks; the members' own checks follow where they are used.
 *
 * @param given by name: the kind and the value; where the kind ends in `[]`, the value must be a list of them
 */
export function requireArguments(
  where: string,
  given: { readonly [name: string]: readonly [kind: keyof typeof KINDS | `${keyof typeof KINDS}[]`, value: unknown] },
): void {
  for (const [name, [kind, value]] of Object.entries(given)) {
    if (!kind.endsWith('[]')) {
      requireKind(`${where}: ${name}`, KINDS[kind as keyof typeof KINDS], value)
      continue
    }
    const one = KINDS[kind.slice(0, -2) as keyof typeof KINDS]
    if (!Array.isArray(value)) throw new Error(`${where}: ${name} must be a list, each ${one.is}; got ${describe(value)}`)
    for (const [i, each] of value.entries()) requireKind(`${where}: ${name}[${i}]`, one, each)
  }
}

function requireKind(what: string, { is, members }: ArgumentKind, value: unknown): void {
  const has = (member: string) => (value as { readonly [member: string]: unknown })[member] !== undefined
  const holder = typeof value === 'function' || (typeof value === 'object' && value !== null)
  if (!holder || !members.every(has)) throw new Error(`${what} must be ${is}; got ${describe(value)}`)
}

/** @throws where the options are no object, or one of them has a name that nobody reads */
export function requireKeys(where: string, options: object, known: readonly string[]): void {
  requireArguments(where, { options: ['object', options] })
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) throw new Error(`${where}: there is no option '${unknown}'; the options are ${known.join(', ')}`)
}

/** What came where something else was expected, in a few words. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return `an array of ${(value as ArrayLike<unknown>).length}`
  if (typeof value !== 'object' || value === null) return String(value)
  const keys = Object.keys(value)
  return keys.length === 0 ? 'an empty object' : `an object with ${keys.slice(0, 6).join(', ')}${keys.length > 6 ? ', …' : ''}`
}
