export type { GroupProgram } from './host-group.js'
export { type RunWebGroupOptions, runGroup } from './run-web-group.js'
export { serveGroup } from './serve-group.js'
