export { ancestorUrl, readAncestor } from './ancestor.js'
export { classes, loadTest, loadTrain } from './images.js'
