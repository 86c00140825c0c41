import { readFile } from 'node:fs/promises'
import type { BackendName } from '@learngene/backends'
import type { BenchModel, What } from '@learngene/bench'
import { InvalidArgumentError } from 'commander'
import { asUsage, oneLine, UsageError } from '../../errors.js'
import { BACKENDS } from '../../options.js'
import { withoutMark } from '../../without-mark.js'

/** Those of @learngene/bench, named here so that help need not load TensorFlow.js. */
export const WORKS = ['forward', 'train', 'distill', 'stitch'] as const satisfies What[]
export const MODELS = ['deit-tiny', 'deit-small', 'deit-base', 'quickstart'] as const

function listOf<Name extends string>(names: readonly Name[], what: string): (text: string) => Name[] {
  return (text) => {
    const given = text.split(',').map((part) => part.trim())
    const unknown = given.find((name) => !names.includes(name as Name))
    if (unknown !== undefined) throw new InvalidArgumentError(`${what} are ${names.join(', ')}, in a list with commas; got '${unknown}'.`)
    return [...new Set(given as Name[])]
  }
}

/** Reads `webgpu,wasm`. */
export const backends = listOf(
  BACKENDS.filter((name): name is BackendName => name !== 'auto'),
  'Backends',
)

/** Reads `forward,train`. */
export const works = listOf(WORKS, 'Kinds of work')

/**
 * The model of `--model`: a name, a configuration as JSON, or a file that holds one.
 *
 * @throws UsageError
 */
export async function readModel(text: string): Promise<BenchModel> {
  const { modelOf, namedModel } = await import('@learngene/bench')
  const named = namedModel(text)
  if (named) return named
  const inline = text.trimStart().startsWith('{')
  const source = inline
    ? text
    : await readFile(text, 'utf8').catch((error: unknown) => {
        throw new UsageError(
          `--model must be ${MODELS.join(', ')}, or a configuration as JSON or in a file; got '${text}': ${oneLine(error)}`,
        )
      })
  return asUsage(() => modelOf(parseJson(source, inline ? '--model' : text)))
}

function parseJson(source: string, name: string): unknown {
  try {
    return JSON.parse(withoutMark(source))
  } catch (error) {
    throw new UsageError(`${name} must be JSON: ${oneLine(error)}`)
  }
}

/**
 * The Python that PyTorch is timed with, or undefined.
 *
 * @param asked whether PyTorch must be there; undefined: where it is
 * @throws when it must be there and is not
 */
export async function findPyTorch(asked: boolean | undefined, python: string): Promise<string | undefined> {
  if (asked === false) return undefined
  const { pytorchVersion } = await import('@learngene/bench/node')
  if ((await pytorchVersion(python)) !== undefined) return python
  if (asked)
    throw new Error(`${python} cannot import torch; install PyTorch, name another Python with --python, or leave it out with --no-pytorch`)
  return undefined
}
