/** Names that are lacking and names that are too many, without those that look the same. */
export interface ToldApart {
  readonly lacking: readonly string[]
  readonly unknown: readonly string[]
  /** The unknown ones that look like a lacking one but are written in another Unicode normalisation, with both forms. */
  readonly lookAlikes: readonly string[]
}

/** What errors say to do about {@link ToldApart.lookAlikes}. */
export const LOOK_ALIKES_HINT = 'rename these, or list the classes in the form that their names have'

/** Finds names that only their Unicode normalisation tells apart, which nobody sees: macOS writes letters with accents in another way than most programs. */
export const tellApart = (lacking: readonly string[], unknown: readonly string[]): ToldApart => {
  const byForm = new Map(lacking.map((name) => [name.normalize('NFC'), name]))
  const pairs = unknown.flatMap((name) => {
    const expected = byForm.get(name.normalize('NFC'))
    return expected === undefined ? [] : [{ name, expected }]
  })
  const paired = new Set(pairs.flatMap(({ name, expected }) => [name, expected]))
  return {
    lacking: lacking.filter((name) => !paired.has(name)),
    unknown: unknown.filter((name) => !paired.has(name)),
    lookAlikes: pairs.map(({ name, expected }) => `${name} (is ${formOf(name)}, must be ${formOf(expected)})`),
  }
}

const formOf = (name: string): string => ['NFC', 'NFD'].find((form) => name.normalize(form) === name) ?? 'neither NFC nor NFD'
