import { compileStep } from '@learngene/compile-step'
import { buildPool, createAuxiliary, createDistillation, liveTeacher } from '@learngene/learngene-pool'
import { crossEntropy, nameBatch, opsSettings } from '@learngene/ops'
import { descendantOf } from '@learngene/stitch'
import { adamW, createRng, fixedBytes, type Group, type LossTerms, train } from '@learngene/training'
import { createViT, forward, type Network, parametersOf } from '@learngene/vit-blocks'
import { mean } from '@tensorflow/tfjs-core'
import { planDistillation, planStitch } from './plan.js'
import { type Assignment, createInputs, type Inputs, type Task, type Work } from './task.js'

const LEARNING_RATE = 1e-4

type OwnTask = Task & Pick<Assignment, 'precision'>

/** The work as the packages do it: `train` of @learngene/training, `forward` of @learngene/vit-blocks. A group's members share each batch. */
export function ownWork(task: OwnTask, group: Group): Work {
  const { run, trained } = workOf(task, group)
  return {
    run: (steps, onStep) =>
      run(steps, onStep).catch((error) => {
        throw nameBatch(error, task.batch / group.size, trained ? fixedBytes(trained, 2) : fixedBytes())
      }),
  }
}

interface OwnWork extends Work {
  /** By AdamW. */
  readonly trained?: Training<never>['parameters']
}

function workOf({ what, model, batch, precision }: OwnTask, group: Group): OwnWork {
  const inputs = createInputs(model, batch / group.size)
  switch (what) {
    case 'forward':
    case 'stitch':
      return inference(inferenceNetwork(what, model), inputs, group)
    case 'train': {
      const network = createViT(model, createRng(0))
      return training(group, precision, {
        parameters: parametersOf(network),
        batch: () => inputs,
        loss: ({ images, targets }) => mean(crossEntropy(forward(network, images).logits, targets)),
      })
    }
    case 'distill': {
      const ancestor = createViT(model, createRng(0))
      const teacher = liveTeacher(ancestor)
      const { student } = planDistillation(model)
      const distillation = createDistillation(ancestor, student, {}, createRng(1))
      const indices = Array.from({ length: inputs.images.shape[0] }, (_, i) => i)
      return training(group, precision, {
        parameters: distillation.parameters,
        batch: () => ({ ...inputs, ancestor: teacher(indices, inputs.images, distillation.ancestorFeatures) }),
        loss: ({ images, targets, ancestor }) => distillation.loss(images, targets, ancestor),
      })
    }
  }
}

/** The network that is timed without training it. */
export function inferenceNetwork(what: 'forward' | 'stitch', model: Task['model']): Network {
  return what === 'forward' ? createViT(model, createRng(0)) : stitched(model)
}

function stitched(model: Task['model']): Network {
  const { tiers, path } = planStitch(model)
  const rng = createRng(0)
  const ancestor = createViT({ ...model, depth: 1 }, rng)
  const pool = buildPool(
    tiers.map((tier) => createAuxiliary(ancestor, tier, rng)),
    {},
    rng,
  )
  return descendantOf(pool, path)
}

function inference(network: Network, { images }: Inputs, group: Group): Work {
  const compiled = compileStep(({ images }: Pick<Inputs, 'images'>) => forward(network, images).logits)
  return {
    async run(steps, onStep) {
      await compiled.prepare({ images }, opsSettings())
      for (let i = 0; i < steps; i++) {
        await compiled.run({ images }, opsSettings()).data()
        group.barrier()
        onStep()
      }
    },
  }
}

interface Training<Batch> {
  readonly parameters: Parameters<typeof train>[0]['parameters']
  readonly batch: () => Batch
  readonly loss: (batch: Batch) => LossTerms
}

function training<Batch>(group: Group, precision: Assignment['precision'], { parameters, batch, loss }: Training<Batch>): OwnWork {
  const optimizer = adamW()
  return {
    trained: parameters,
    async run(steps, onStep) {
      await train<void, Batch>({
        parameters,
        steps,
        batch,
        loss: (_step, _part, current) => loss(current),
        optimizer,
        learningRate: () => LEARNING_RATE,
        compile: { key: () => '' },
        precision,
        group,
        report: onStep,
      })
      group.barrier()
    },
  }
}
