export { type Choosable, chooseDescendant } from './choose.js'
export * from './report.js'
