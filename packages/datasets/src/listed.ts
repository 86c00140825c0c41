/** The first ten of a list for an error message, and how many more there are. */
export const listed = (names: readonly string[], separator = ', '): string =>
  `${names.slice(0, 10).join(separator)}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`
