export { type GroupProgram, type RunGroupOptions, runGroup } from './run-group.js'
