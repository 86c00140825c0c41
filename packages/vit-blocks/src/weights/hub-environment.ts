import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

type Environment = { readonly [variable: string]: string | undefined }

/** What the environment says about the hub, read as Hugging Face's own tools read it. */
export interface HubEnvironment {
  /** `HF_ENDPOINT`. */
  readonly hubUrl?: string
  /** `HF_HUB_CACHE` or `HUGGINGFACE_HUB_CACHE`, else `hub` in `HF_HOME`, which is `huggingface` in `XDG_CACHE_HOME` or `~/.cache`. */
  readonly cacheDir: string
  /** `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`. */
  readonly offline: boolean
  /**
   * `HF_TOKEN` or `HUGGING_FACE_HUB_TOKEN`, else the file that `hf auth login` writes: `HF_TOKEN_PATH`, or `token` in `HF_HOME`. None where
   * `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set.
   */
  readonly accessToken?: string
}

export async function hubEnvironment(environment: Environment = process.env): Promise<HubEnvironment> {
  const path = (variable: string) => environment[variable]?.replace(/^~(?=$|[/\\])/, homedir()) || undefined
  const home = path('HF_HOME') ?? join(path('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface')
  const accessToken = await tokenIn(environment, path('HF_TOKEN_PATH') ?? join(home, 'token'))
  return {
    ...(environment.HF_ENDPOINT && { hubUrl: environment.HF_ENDPOINT }),
    cacheDir: path('HF_HUB_CACHE') ?? path('HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub'),
    offline: isTrue(environment.HF_HUB_OFFLINE) || isTrue(environment.TRANSFORMERS_OFFLINE),
    ...(accessToken && { accessToken }),
  }
}

async function tokenIn(environment: Environment, path: string): Promise<string | undefined> {
  if (isTrue(environment.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined
  const stated = environment.HF_TOKEN?.trim() || environment.HUGGING_FACE_HUB_TOKEN?.trim()
  return stated || (await readFile(path, 'utf8').catch(() => '')).trim() || undefined
}

function isTrue(value: string | undefined): boolean {
  return /^(1|true|yes|on)$/i.test(value ?? '')
}

/** A `fetch` that goes through the environment's proxy, or what is missing for that; neither where there is no proxy, or Node itself uses it. */
export interface ProxyFetch {
  readonly fetch?: typeof fetch
  /** A hint for errors. */
  readonly missing?: string
}

/**
 * Node's own `fetch` passes over `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case, unless it is told to use them (`NODE_USE_ENV_PROXY=1`,
 * from Node 22.21 on); the package undici, an optional peer dependency, does not.
 */
export async function proxyFetch(
  environment: Environment = process.env,
  load: () => Promise<typeof import('undici')> = () => import('undici'),
): Promise<ProxyFetch> {
  const value = (variable: string) => environment[variable.toLowerCase()] || environment[variable] || undefined
  const all = value('ALL_PROXY')
  const [httpsProxy, httpProxy] = [value('HTTPS_PROXY') ?? all, value('HTTP_PROXY') ?? all]
  const inNode = isTrue(environment.NODE_USE_ENV_PROXY) && process.allowedNodeEnvironmentFlags.has('--use-env-proxy')
  if ((httpsProxy ?? httpProxy) === undefined || inNode) return {}
  let undici: typeof import('undici')
  try {
    undici = await load()
  } catch {
    return { missing: 'the environment names a proxy, which takes the package undici: npm install undici' }
  }
  const dispatcher = new undici.EnvHttpProxyAgent({ httpProxy, httpsProxy, noProxy: value('NO_PROXY') })
  const throughProxy = (url: string, init?: object) => undici.fetch(url, { ...init, dispatcher })
  return { fetch: throughProxy as unknown as typeof fetch }
}
