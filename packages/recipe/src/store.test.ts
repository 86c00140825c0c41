import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { diskStore } from './disk-store.js'
import { memoryStore } from './memory-store.js'
import { describeStore } from './store.fixture.js'
import type { ArtifactStore } from './store.js'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

describe('on disk', () => {
  describeStore(
    async () => {
      folders.push(await mkdtemp(join(tmpdir(), 'store-')))
      return diskStore(join(folders.at(-1)!, 'runs', 'mine'))
    },
    async () => diskStore(join(folders.at(-1)!, 'runs', 'mine')),
  )
})

describe('in memory', () => {
  let last: ArtifactStore
  describeStore(
    async () => {
      last = memoryStore()
      return last
    },
    async () => last,
  )
})
