/** Markup that needs no escaping. */
export class Html {
  constructor(readonly text: string) {}
}

type Value = Html | string | number | readonly (Html | string | number)[]

/** Markup from a template; every value that is not markup itself is escaped. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.reduce((text, part, i) => text + markup(values[i - 1]!) + part))
}

/** Markup written by hand, for style sheets and scripts. */
export function raw(text: string): Html {
  return new Html(text)
}

function markup(value: Value): string {
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map(markup).join('')
  return escapeHtml(String(value))
}

const ENTITIES: { readonly [character: string]: string } = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!)
}
