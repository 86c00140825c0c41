import '@learngene/ops/gradients'
import { add, mean, mul, type Scalar, softmax, square, sub, type Tensor, tidy, train } from '@tensorflow/tfjs-core'
import { planDistillation, planStitch } from '../plan.js'
import { createInputs, type Inputs, type Task, type Work } from '../task.js'
import { affine, crossEntropy, linear, type StockNetwork, stockStitched, stockViT } from './network.js'

/** The same work in plain TensorFlow.js, which everything of ours is compared with. */
export function stockWork({ what, model, batch }: Task): Work {
  const inputs = createInputs(model, batch)
  switch (what) {
    case 'forward':
      return inference(stockViT(model), inputs)
    case 'stitch':
      return inference(stockStitched(model, planStitch(model)), inputs)
    case 'train': {
      const network = stockViT(model)
      return training(() => mean(crossEntropy(network(inputs.images), inputs.targets)))
    }
    case 'distill':
      return distillation({ what, model, batch }, inputs)
  }
}

function inference(network: StockNetwork, { images }: Inputs): Work {
  return {
    async run(steps, onStep) {
      for (let i = 0; i < steps; i++) {
        const logits = tidy(() => network(images))
        await logits.data()
        logits.dispose()
        onStep()
      }
    },
  }
}

function training(loss: () => Scalar, before: () => () => void = () => () => {}): Work {
  const optimizer = train.adam(1e-4)
  return {
    async run(steps, onStep) {
      for (let i = 0; i < steps; i++) {
        const after = before()
        const value = optimizer.minimize(loss, true)!
        await value.data()
        value.dispose()
        after()
        onStep()
      }
    },
  }
}

/** The loss of method.md section 3 with its default options: 0.1 cross entropy, 0.9 (soft cross entropy + MSE of blocks and attentions). */
function distillation({ model }: Task, { images, targets }: Inputs): Work {
  const { student, positions } = planDistillation(model)
  const teacher = stockViT(model)
  // Made after the teacher: what is trained is what the loss reaches, and the teacher's outputs are data.
  const network = stockViT({ ...model, ...student })
  const sameWidth = student.width === model.width
  const maps = positions.map(() =>
    sameWidth ? undefined : { block: affine(student.width, model.width), attn: affine(student.width, model.width) },
  )
  let taught: { logits: Tensor; block: Tensor[]; attn: Tensor[] }
  const loss = () => {
    const features = { block: [] as Tensor[], attn: [] as Tensor[] }
    const logits = network(images, features)
    let distilled = mean(crossEntropy(logits, softmax(taught.logits)))
    for (const [i, { student: from }] of positions.entries()) {
      for (const kind of ['block', 'attn'] as const) {
        const map = maps[i]?.[kind]
        const mapped = map ? linear(features[kind][from]!, map) : features[kind][from]!
        distilled = add(distilled, mean(square(sub(mapped, taught[kind][i]!))))
      }
    }
    return add(mul(mean(crossEntropy(logits, targets)), 0.1), mul(distilled, 0.9)) as Scalar
  }
  const teach = () => {
    taught = tidy(() => {
      const all = { block: [] as Tensor[], attn: [] as Tensor[] }
      const logits = teacher(images, all)
      return {
        logits,
        block: positions.map(({ ancestor }) => all.block[ancestor]!),
        attn: positions.map(({ ancestor }) => all.attn[ancestor]!),
      }
    })
    return () => {
      for (const tensor of [taught.logits, ...taught.block, ...taught.attn]) tensor.dispose()
    }
  }
  return training(loss, teach)
}
