import { type LoadedModel, type LoadOptions, loadModel } from '../model-file.js'
import { type UrlOptions, urlSource } from './url-source.js'
import { modelFolder, parseWeightSpec, type WeightFiles, type WeightSpec } from './weight-files.js'

export interface OpenOptions extends UrlOptions {
  /** The hub's address; default `https://huggingface.co`. */
  readonly hubUrl?: string
  /** For models of the hub that are not public: `hf_…`. */
  readonly accessToken?: string
}

export const publicHub = 'https://huggingface.co'

/**
 * Opens weights by their address, in browsers and in Node: `hf:owner/name[@revision]`, or the URL of a safetensors file, of an index of shards, or of a
 * folder (ending in `/`). Reads by range requests and keeps nothing; `@learngene/vit-blocks/node` has a version with paths and the hub's cache.
 * A file by itself is read alone; `config.json` and `preprocessor_config.json` are read beside a file named as on the hub: `model.safetensors`,
 * `*.safetensors.index.json`, and in repositories and folders.
 *
 * @throws Error of one line naming the address when there is nothing there, or it cannot be read
 */
export async function openWeights(spec: string | URL, options: OpenOptions = {}): Promise<WeightFiles> {
  const parsed = parseWeightSpec(spec)
  if (parsed.kind === 'url') return openUrl(parsed.url, options)
  if (parsed.kind === 'hub') return openHubByRanges(parsed, options)
  throw new Error(`'${parsed.path}' is a path: import openWeights or loadViT from '@learngene/vit-blocks/node' to read files, in Node`)
}

/** Weights at a URL. */
export function openUrl(url: URL, options: UrlOptions): Promise<WeightFiles> {
  const file = url.pathname.split('/').at(-1)!
  const address = (name: string) => (name === file ? url : new URL(encodeURIComponent(name), url))
  return modelFolder({ name: url.href, file: file === '' ? undefined : file, open: (name) => urlSource(address(name), options) })
}

function openHubByRanges({ repository, revision }: WeightSpec & { readonly kind: 'hub' }, options: OpenOptions): Promise<WeightFiles> {
  const { hubUrl = publicHub, accessToken } = options
  const headers = { ...options.headers, ...(accessToken && { Authorization: `Bearer ${accessToken}` }) }
  const base = `${hubUrl}/${repository}/resolve/${encodeURIComponent(revision)}/`
  return modelFolder({
    name: `hf:${repository}@${revision}`,
    origin: repository,
    file: undefined,
    open: (name) => urlSource(base + encodeURIComponent(name), { ...options, headers }),
  })
}

/**
 * Loads a ViT by its address: `loadViT('hf:timm/deit_tiny_patch16_224.fb_in1k')`, or a URL; see {@link openWeights} and `loadModel`.
 *
 * @throws Error when there is nothing at the address, SafetensorsError when it is not a model
 */
export async function loadViT(spec: string | URL, options: LoadOptions & OpenOptions = {}): Promise<LoadedModel> {
  return loadModel(await openWeights(spec, options), options)
}
