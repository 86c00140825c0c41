export { type AddProductOptions, addProduct, product } from './add-product.js'
export { columnsOfMap, mapOfColumns } from './affine-columns.js'
export {
  accumulate,
  accumulateCross,
  accumulateInputs,
  addGrams,
  type CrossGram,
  createCrossGram,
  createGram,
  createInputGram,
  type Gram,
  type InputGram,
  joinGrams,
} from './gram.js'
export { block, copyOf, type Matrix, type Matrix64, matrixOf, symmetric, transpose, zeros } from './matrix.js'
export { addToDiagonal, leftPseudoInverse, meanDiagonal, pseudoInverse, rightPseudoInverse } from './pseudo-inverse.js'
export { residual } from './residual.js'
export { solvePositiveDefinite } from './solve-positive-definite.js'
