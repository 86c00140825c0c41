export { type NameOrder, readClassList } from './class-list.js'
export { type ImageFiles, type ImageFolderOptions, imageFiles, imageFolder, imageFolders } from './image-folder.js'
export { type FashionMnist, loadFashionMnist } from './load-fashion-mnist.js'
export { type DecodeOptions, decodeImage } from './preprocess/decode-image.js'
