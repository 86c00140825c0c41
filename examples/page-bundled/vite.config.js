/** Cross-origin isolation, which threads and shared memory need. */
const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/** @type {import('vite').UserConfig} */
export default { base: './', server: { headers }, preview: { headers }, build: { target: 'es2022' }, worker: { format: 'es' } }
