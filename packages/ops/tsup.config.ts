import { libraryConfig } from '../../tsup.config.ts'

// The one module of tfjs-core that registers gradients does not resolve in plain Node, so it travels inside our bundle.
export default libraryConfig({ noExternal: ['@tensorflow/tfjs-core/dist/register_all_gradients'] })
