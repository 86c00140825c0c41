/** Float64 matrices, streamed Gram matrices and the solvers of the stitches' regressions, for packages that compute with them. */
export * from './linear-algebra/index.js'
