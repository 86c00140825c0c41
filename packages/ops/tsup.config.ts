import { libraryConfig } from '../../tsup.config.ts'

export default libraryConfig({
  entry: ['src/index.ts', 'src/gradients.ts', 'src/wasm.ts', 'src/webgpu.ts', 'src/tensorflow.ts'],
  // The one module of tfjs-core that registers gradients does not resolve in plain Node, so it travels inside our bundle.
  noExternal: ['@tensorflow/tfjs-core/dist/register_all_gradients'],
})
