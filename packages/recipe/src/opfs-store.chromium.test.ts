import { opfsStore } from './opfs-store.js'
import { describeStore } from './store.fixture.js'

const root = await navigator.storage.getDirectory()
let count = 0
const folder = () => root.getDirectoryHandle(`run-${count}`, { create: true })

describeStore(
  async () => {
    count++
    return opfsStore(await folder())
  },
  async () => opfsStore(await folder()),
)
