import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { OnnxModel } from '../onnx.js'

const run = promisify(execFile)

/** Pythons that may have the package onnx; `LEARNGENE_PYTHON` is asked first. */
const pythons = [process.env.LEARNGENE_PYTHON, 'python3'].filter((each) => each !== undefined)

/** One that has it; undefined where there is none. */
export async function pythonWithOnnx(): Promise<string | undefined> {
  for (const python of pythons) {
    const has = await run(python, ['-c', 'import onnx']).then(
      () => true,
      () => false,
    )
    if (has) return python
  }
  return undefined
}

/** Checks a model by `onnx.checker`, shapes inferred strictly. @throws with what it says */
export async function checkOnnx(python: string, { model, data }: OnnxModel): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'learngene-onnx-'))
  try {
    await writeFile(join(folder, 'model.onnx'), model)
    if (data) await writeFile(join(folder, data.name), data.bytes)
    await run(python, ['-c', 'import onnx, sys; onnx.checker.check_model(sys.argv[1], full_check=True)', join(folder, 'model.onnx')])
  } finally {
    await rm(folder, { recursive: true })
  }
}
