import { engine } from '@tensorflow/tfjs-core'

/** What a configuration of the user's sees. */
const config = { engine: engine() }
export default config
