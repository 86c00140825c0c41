// What the driver makes of each program of a training step or a forward pass: registers, memory and whatever else it tells by VK_KHR_pipeline_executable_properties, as NVIDIA's and Mesa's drivers do. A
// layer of Vulkan, programs.c, asks it; it is compiled by `cc` first, with the headers of Vulkan (Debian: libvulkan-dev; or CPATH). Linux only.
// --binaries FOLDER keeps the driver's cache of each program. NVIDIA's holds an archive, compressed by zstd, in which `nvdisasm -b SM90` (CUDA, or the package triton) reads the instructions.
//
//   npm run build && node benchmarks/gpu/programs.mjs [--what train|forward] [--binaries FOLDER] [--model deit-tiny|deit-small|deit-base] [--batch 64] [--precision float32|mixed] [--quick] [--json]
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const LAYER = 'VK_LAYER_learngene_programs'
const { LEARNGENE_STATISTICS: statistics } = process.env

if (statistics) await describePrograms()
else process.exitCode = runWithLayer()

/** Runs this script once more with the layer between Dawn and the driver. */
function runWithLayer() {
  const folder = mkdtempSync(join(tmpdir(), 'learngene-programs-'))
  try {
    const source = fileURLToPath(new URL('programs.c', import.meta.url))
    try {
      execFileSync('cc', ['-O1', '-shared', '-fPIC', source, '-o', join(folder, 'layer.so')], { stdio: ['ignore', 'ignore', 'pipe'] })
    } catch (error) {
      console.error(
        `programs.c cannot be compiled; it needs cc and the headers of Vulkan (libvulkan-dev): ${error.stderr ?? error.message}`,
      )
      return 1
    }
    const layer = {
      ...{ name: LAYER, type: 'GLOBAL', library_path: join(folder, 'layer.so'), api_version: '1.3.0' },
      ...{ implementation_version: '1', description: 'Statistics of compute programs' },
    }
    writeFileSync(join(folder, 'layer.json'), JSON.stringify({ file_format_version: '1.2.0', layer }))
    const env = {
      ...process.env,
      ...{ VK_LAYER_PATH: folder, VK_INSTANCE_LAYERS: LAYER, LEARNGENE_STATISTICS: join(folder, 'statistics') },
    }
    const { status, error } = spawnSync(process.execPath, process.argv.slice(1), { env, stdio: 'inherit' })
    if (error) throw error
    return status ?? 1
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function describePrograms() {
  const { forwardPass, print, readOptions, startGpu, trainingStep } = await import('./work.mjs')
  const { tidy } = await import('@tensorflow/tfjs-core')
  const options = readOptions({ what: ['train', 'forward'], binaries: true })
  if (options.binaries) {
    process.env.LEARNGENE_BINARIES = resolve(options.binaries)
    mkdirSync(process.env.LEARNGENE_BINARIES, { recursive: true })
  }
  writeFileSync(statistics, '')
  const { backend, adapter, features } = await startGpu(options)
  const { device } = backend
  // One after the other, so that each line of the layer is of the program named before it.
  const create = device.createComputePipeline.bind(device)
  device.createComputePipeline = (descriptor) => {
    appendFileSync(statistics, `# ${descriptor.label || 'unnamed'}\n`)
    return create(descriptor)
  }
  device.createComputePipelineAsync = async (descriptor) => device.createComputePipeline(descriptor)
  const { step, inputs } = (options.what === 'train' ? trainingStep : forwardPass)(options.config, options.batch)
  tidy(() => void step(inputs()))
  await device.queue.onSubmittedWorkDone()
  const { what, model, batch, precision } = options
  const rows = parse(readFileSync(statistics, 'utf8').split('\n').slice(0, -1))
  const tells = rows.some((row) => Object.keys(row).length > 2)
  if (!tells) console.error('the driver tells nothing of its programs: it has no VK_KHR_pipeline_executable_properties')
  print(options, { what: 'programs', of: what, adapter, features, model, batch, precision, rows }, rows)
}

/** Lines `# name`, each followed by one of statistics where the driver compiled it; Dawn keeps what it has compiled. The number of a program is that of its binary. */
function parse(lines) {
  let name
  return lines
    .flatMap((line) => {
      if (!line.startsWith('# ')) return [{ program: name, line }]
      name = line.slice(2)
      return []
    })
    .map(({ program, line }, number) => {
      const told = line.split('\t').filter((each) => each.includes('='))
      return {
        number,
        program,
        ...Object.fromEntries(told.map((each) => [each.slice(0, each.indexOf('=')), Number(each.slice(each.indexOf('=') + 1))])),
      }
    })
}
