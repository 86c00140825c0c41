import { imageSource, splitBalanced } from '@learngene/datasets'
import { loadTest, loadTrain } from '@learngene/fashion-mnist'

/** Training, validation and test images as normalised tensors; the validation images are held out from the training images. */
export async function loadImages({ validationImages, trainingImages, testImages }, normalisation, rng) {
  const part = (dataset, count, label) => (count === undefined ? dataset : splitBalanced(dataset, count, rng.fork(label))[0])
  const [validation, rest] = splitBalanced(await loadTrain(), validationImages, rng.fork('validation'))
  return {
    training: imageSource(part(rest, trainingImages, 'training'), normalisation),
    validation: imageSource(validation, normalisation),
    test: imageSource(part(await loadTest(), testImages, 'test'), normalisation),
  }
}
