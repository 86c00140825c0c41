import type { Output } from '../io.js'
import type { BackendDiagnosis, Diagnosis, ImageDiagnosis } from './diagnosis.js'
import type { Disk, Machine } from './machine.js'

/** Less than this is worth a warning: what TensorFlow's installation takes. */
const LITTLE_SPACE = 1.2e9

/** How a line is marked: as good, as a fault, as something to know, or not at all. */
type Mark = '✓' | '✗' | '!' | ' '

interface Row {
  readonly mark: Mark
  readonly label: string
  readonly text: string
  /** The command that would change it. */
  readonly fix?: string | null
}

const CODES: { readonly [mark in Mark]: number } = { '✓': 32, '✗': 31, '!': 33, ' ': 0 }
const CYAN = 36
const BOLD = 1

/** Whether text may have colours: on a terminal that has them and whose user wants them (https://no-color.org). */
export function hasColours({ isTTY = false }: Output, env: { readonly [variable: string]: string | undefined }): boolean {
  return isTTY && env.TERM !== 'dumb' && !env.NO_COLOR
}

/** A diagnosis on one screen: what is there, a mark, and under what does not work the command that would change it. */
export function describeDiagnosis(
  diagnosis: Diagnosis,
  { colours, columns }: { readonly colours: boolean; readonly columns: number },
): string {
  const { learngene, machine, backends, auto, images } = diagnosis
  const paint = (code: number, text: string) => (colours && code > 0 ? `\x1b[${code}m${text}\x1b[0m` : text)
  const groups = [machineRows(machine), backends.map(backendRow), [imagesRow(images), ...hubRows(machine)]]
  const margin = 2 + Math.max(...groups.flat().map(({ label }) => label.length)) + 2
  const lines = groups.map((rows) =>
    rows.flatMap(({ mark, label, text, fix }) => {
      const [first, ...others] = wrapped(text, columns - margin)
      return [
        `${paint(CODES[mark], mark)} ${label.padEnd(margin - 2)}${first}`,
        ...others.map((line) => ' '.repeat(margin) + line),
        // A command stays whole, to be copied.
        ...(fix ? [' '.repeat(margin) + paint(CYAN, `→ ${fix}`)] : []),
      ]
    }),
  )
  const conclusion =
    auto === null ? concludeWithoutAuto(backends) : `auto computes on ${auto} here; the quickstart on wasm, unless --backend says otherwise`
  return [[paint(BOLD, `learngene ${learngene}`)], ...lines, [paint(BOLD, conclusion)]].map((group) => group.join('\n')).join('\n\n')
}

/** Lines of at most `width` characters, but for longer words. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

function concludeWithoutAuto(backends: readonly BackendDiagnosis[]): string {
  const named = backends.filter(({ computes }) => computes).map(({ name }) => name)
  return named.length > 0 ? `auto finds nothing to compute on; name ${named.join(' or ')} with --backend` : 'nothing computes here'
}

function machineRows({ node, platform, processor, memory, disks, threads }: Machine): Row[] {
  return [
    {
      mark: node.supported ? '✓' : '✗',
      label: 'node',
      text: node.supported ? node.version : `${node.version}; it must be ${node.required}`,
    },
    { mark: ' ', label: 'platform', text: platform },
    { mark: ' ', label: 'processor', text: `${processor.model}, ${processor.cores} ${processor.cores === 1 ? 'core' : 'cores'}` },
    { mark: ' ', label: 'memory', text: `${gigabytes(memory.available)} of ${gigabytes(memory.total)} available` },
    ...diskRows(disks),
    { mark: threads.works ? '✓' : '✗', label: 'threads', text: threads.works ? 'share memory' : threads.reason! },
  ]
}

/** Folders on one disk in one line, and a line for each that cannot be written. */
function diskRows(disks: readonly Disk[]): Row[] {
  const devices = [...new Set(disks.map(({ device }) => device))]
  return [
    ...devices.map((device): Row => {
      const same = disks.filter((disk) => disk.device === device)
      const { free } = same[0]!
      return {
        mark: free < LITTLE_SPACE ? '!' : ' ',
        label: 'disk',
        text: `${gigabytes(free)} free for ${same.map(({ use }) => use).join(', ')}`,
      }
    }),
    ...disks
      .filter(({ writable }) => !writable)
      .map(({ use, folder }): Row => ({ mark: '!', label: 'disk', text: `${use} cannot be written: ${folder}` })),
  ]
}

function backendRow({ name, computes, version, device, features, seconds, reason, fix }: BackendDiagnosis): Row {
  if (!computes) return { mark: '✗', label: name, text: reason!, fix }
  const software = device?.endsWith('(software)') ? 'which auto passes over' : undefined
  const what = [version, device, software, ...features, `computes in ${seconds.toFixed(1)} s`].filter(Boolean)
  return { mark: '✓', label: name, text: what.join(', ') }
}

function imagesRow({ decodes, version, formats, reason, fix }: ImageDiagnosis): Row {
  if (!decodes) return { mark: '✗', label: 'images', text: reason!, fix }
  return { mark: '✓', label: 'images', text: `sharp ${version} decodes ${formats.join(' and ')}` }
}

function hubRows({ hub, proxies }: Machine): Row[] {
  const { cache, client, token, offline, endpoint } = hub
  const details = [
    token ? 'a token' : 'no token: set HF_TOKEN for gated models',
    offline && 'offline',
    endpoint && `at ${endpoint}`,
  ].filter(Boolean)
  return [
    client
      ? { mark: '✓', label: 'hub', text: [cache, ...details].join(', ') }
      : { mark: '!', label: 'hub', text: "addresses 'hf:owner/name' need @huggingface/hub", fix: 'npm install @huggingface/hub' },
    ...Object.entries(proxies.variables).map(([variable, value]): Row => ({ mark: ' ', label: 'proxy', text: `${variable}=${value}` })),
    ...(proxies.missing === null ? [] : [{ mark: '!' as const, label: 'proxy', text: proxies.missing }]),
  ]
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`
