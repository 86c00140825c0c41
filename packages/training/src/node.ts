export type { GroupProgram } from './host-group.js'
export { type RunGroupOptions, runGroup } from './run-group.js'
