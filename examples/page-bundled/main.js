// The page: it shows what the worker tells, and computes nothing.
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
const lines = document.querySelector('pre')

worker.onmessage = ({ data }) => lines.append(`${data}\n`)
worker.onerror = ({ message }) => lines.append(`failed: ${message}\n`)
document.querySelector('button').addEventListener('click', () => worker.postMessage({ width: 24 }))
