import { nodeBuiltin } from './node-builtin.js'

/** Where things of one kind are kept on this machine: a folder of `learngene` in `XDG_CACHE_HOME`, on Windows in `LOCALAPPDATA`, else in `~/.cache`. Node only. */
export function cacheFolder(kind: string, env: { readonly [variable: string]: string | undefined }, platform: NodeJS.Platform): string {
  const local = platform === 'win32' ? env.LOCALAPPDATA : undefined
  const { join } = nodeBuiltin('node:path')
  return join(env.XDG_CACHE_HOME || local || join(nodeBuiltin('node:os').homedir(), '.cache'), 'learngene', kind)
}
