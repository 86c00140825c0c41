import { existsSync } from 'node:fs'

/** Where Debian and Google put theirs. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/**
 * The Chromium that tests of pages run in: the system's, else the one that `npx playwright install chromium` has put where Playwright looks for it.
 *
 * @param bundled that place, whether or not there is something
 */
export const findChromium = (bundled: string, exists: (path: string) => boolean = existsSync): string | null =>
  [...PLACES, bundled].find((path) => exists(path)) ?? null

/** Chromium's arguments for webgpu. @param onGpu whether it must run on a GPU, else on the software adapter that comes with Chromium */
export function webgpuArguments(onGpu: boolean): string[] {
  // Workgroup memory is not zeroed, as under Node: a software GPU compiles large programs many times as fast without.
  const software = ['--use-webgpu-adapter=swiftshader', '--enable-dawn-features=disable_workgroup_init']
  return ['--enable-unsafe-webgpu', ...(onGpu ? [] : software)]
}
