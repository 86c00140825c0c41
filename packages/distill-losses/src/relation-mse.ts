import { batchProduct, withGradient } from '@learngene/ops'
import { mean, mul, reshape, square, sub, type Tensor, type Tensor1D, type Tensor3D, tidy, transpose } from '@tensorflow/tfjs-core'
import { shapeError } from './checks.js'
import { exampleRows } from './example-rows.js'
import { unitTokens } from './unit-tokens.js'

/**
 * Mean squared error of the token-to-token relations of each image: R = U U^T with U the tokens scaled to length one, so R_ij is the cosine
 * of tokens i and j; sum_ij (R^s_ij - R^t_ij)^2 / N^2 (the intra-image term of Hao et al. 2022, arXiv 2107.01378; relations between examples
 * instead of tokens: Park et al. 2019, arXiv 1904.05068). Widths may differ, without any transformation matrix.
 * Gradient to the student's features only.
 *
 * @param student s [B, N, D_s]
 * @param teacher t [B, N, D_a]
 * @returns [B]
 * @throws when B or N differ
 */
export function relationMse(student: Tensor, teacher: Tensor): Tensor1D {
  if (student.rank !== 3 || teacher.rank !== 3 || student.shape[0] !== teacher.shape[0] || student.shape[1] !== teacher.shape[1]) {
    throw shapeError('relationMse', 'student [B, N, D_s] and teacher [B, N, D_a] must agree in B and N', { student, teacher })
  }
  return tidy(() => meanDifference(unitTokens(student as Tensor3D), teacher as Tensor3D))
}

/** @param units the student's features, every token of length one */
function meanDifference(units: Tensor3D, teacher: Tensor3D): Tensor1D {
  return withGradient([units], () => {
    const differences = sub(relations(units), relations(unitTokens(teacher))) as Tensor3D // [B, N, N]
    return {
      value: mean(square(exampleRows(differences)), -1) as Tensor1D,
      saved: [differences, units] as const,
      gradient: (dy, differences, units) => {
        // d/dU |U U^T - R|^2 = 4 (U U^T - R) U
        const tokens = units.shape[1]
        const factors = mul(reshape(dy, [-1, 1]), 4 / tokens ** 2) // [B, 1]
        const weighted = reshape(mul(exampleRows(differences), factors), differences.shape) as Tensor3D // [B, N, N]
        return [batchProduct(weighted, units)] // [B, N, D]
      },
    }
  })
}

function relations(units: Tensor3D): Tensor3D {
  return batchProduct(units, transpose(units, [0, 2, 1])) // [B, N, N]
}
