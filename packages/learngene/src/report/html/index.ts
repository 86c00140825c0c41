export { renderComparison } from './compare-html.js'
export { renderHtml } from './render-html.js'
