import { splitBalanced, toTensor } from '@learngene/datasets'
import { loadTest, loadTrain } from '@learngene/fashion-mnist'

/** Training, validation and test images as normalised tensors; the validation images are held out from the training images. */
export async function loadImages({ validationImages, trainingImages, testImages }, normalisation, rng) {
  const part = (dataset, count, label) => (count === undefined ? dataset : splitBalanced(dataset, count, rng.fork(label))[0])
  const [validation, rest] = splitBalanced(await loadTrain(), validationImages, rng.fork('validation'))
  const source = (dataset) => ({
    length: dataset.length,
    images: (indices) => toTensor(dataset.images(indices), [indices.length, ...dataset.imageShape], normalisation),
    labels: (indices) => dataset.labels(indices),
  })
  return {
    training: source(part(rest, trainingImages, 'training')),
    validation: source(validation),
    test: source(part(await loadTest(), testImages, 'test')),
  }
}
