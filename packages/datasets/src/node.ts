export { type FashionMnist, loadFashionMnist } from './load-fashion-mnist.js'
