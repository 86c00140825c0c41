/**
 * Served without cross-origin isolation, as most hosts do: the threads of TensorFlow.js's wasm backend, which would start otherwise, do not survive a bundler's minifier.
 *
 * @type {import('vite').UserConfig}
 */
export default { base: './', build: { target: 'es2022' }, worker: { format: 'es' } }
