import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { diskStore } from '@learngene/recipe/node'
import { killAndResume } from '@learngene/testing/kill-and-resume'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.fixture.js'
import { stagesOfRun } from './run-folder.js'
import { smallRun, writeSmallPictures } from './small-pictures.fixture.js'

const bin = fileURLToPath(new URL('../../dist/bin.js', import.meta.url))
const reason = existsSync(bin) ? '' : ' (skipped: packages/learngene/dist is not built, run npm run build)'
// LEARNGENE_KILLS=100 npx vitest run packages/learngene/src/run/kill for more.
const kills = Number(process.env.LEARNGENE_KILLS ?? 3)

describe.skipIf(reason !== '')(`learngene run, killed${reason}`, () => {
  let root: string
  beforeAll(async () => {
    root = await temporaryDirectory()
    await writeSmallPictures(join(root, 'pictures'))
    writeFileSync(join(root, 'config.json'), JSON.stringify({ ...smallRun, images: { training: join(root, 'pictures') } }))
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  it(`ends as if it had not been, whenever it is killed (${kills} times)`, { timeout: 120_000 + kills * 30_000 }, async () => {
    const report = await killAndResume({
      command: process.execPath,
      args: (dir) => [
        bin,
        'run',
        '--config',
        join(root, 'config.json'),
        '--out',
        dir,
        '--backend',
        'wasm',
        '--workers',
        '1',
        '--checkpoint-every',
        '5',
      ],
      dir: join(root, 'runs'),
      kills,
      seed: 1,
      check: async (dir) => {
        const store = diskStore(stagesOfRun(dir))
        for (const artifact of await store.list()) await artifact.verify()
        for (const { stage } of await store.list()) {
          const found = await store.find(stage)
          if (found.state === 'damaged') throw new Error(found.problem)
        }
      },
      outcome: async (dir) => {
        const artifacts = await diskStore(stagesOfRun(dir)).list()
        const { times: _, ...described } = JSON.parse(readFileSync(join(dir, 'report.json'), 'utf8'))
        return [described, artifacts.map(({ stage, manifest: { key, files } }) => [stage, key, files])]
      },
    })
    expect(report.kills).toBe(kills)
  })
})
