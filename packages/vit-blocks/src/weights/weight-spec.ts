/** Where weights are: a repository of the Hugging Face hub, a URL, or a path. */
export type WeightSpec =
  | { readonly kind: 'hub'; readonly repository: string; readonly revision: string }
  | { readonly kind: 'url'; readonly url: URL }
  | { readonly kind: 'path'; readonly path: string }

/**
 * Reads `hf:owner/name[@revision]`, a URL or a path.
 *
 * @throws Error when something begins with `hf:` and does not go on so
 */
export function parseWeightSpec(spec: string | URL): WeightSpec {
  if (spec instanceof URL) return { kind: 'url', url: spec }
  if (/^https?:\/\//i.test(spec)) return { kind: 'url', url: new URL(spec) }
  if (!spec.startsWith('hf:')) return { kind: 'path', path: spec }
  const [, repository, revision = 'main'] = /^hf:(\w[\w.-]*\/\w[\w.-]*)(?:@([\w./-]+))?$/.exec(spec) ?? []
  if (repository === undefined || revision.split('/').some((part) => /^\.*$/.test(part))) {
    throw new Error(`weights of the hub must be given as 'hf:owner/name' or 'hf:owner/name@revision'; got '${spec}'`)
  }
  return { kind: 'hub', repository, revision }
}
