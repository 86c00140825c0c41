export { type Choosable, chooseDescendant, measuresOf } from './choose.js'
export * from './report.js'
