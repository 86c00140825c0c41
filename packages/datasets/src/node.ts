export { type FolderImages, type FolderSourceOptions, folderSource } from './folder-source.js'
export { type ImageFiles, type ImageFolder, imageFiles, imageFolder } from './image-folder.js'
export { type FashionMnist, loadFashionMnist } from './load-fashion-mnist.js'
export { decodeImage } from './preprocess/decode-image.js'
