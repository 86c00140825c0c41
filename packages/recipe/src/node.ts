export { diskStore } from './disk-store.js'
