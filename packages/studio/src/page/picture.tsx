import { signal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { camera, frameOf, startCamera, stopCamera } from './camera.js'
import { invert, show } from './connection.js'
import { answer, manifest, problem, seen, truth } from './state.js'

/** Whether a visitor holds something over the page. */
export const dragging = signal(false)

/** Shows a file that a visitor brings. */
function bring(files: Iterable<File> | null | undefined): void {
  const file = [...(files ?? [])].find(({ type }) => type.startsWith('image/'))
  if (!file) {
    problem.value = { what: 'picture', message: 'that is no picture' }
    return
  }
  stopCamera()
  show({ kind: 'blob', blob: file })
}

export function PicturePanel() {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])]
      if (files.length > 0) bring(files)
    }
    // A picture that is dropped beside would otherwise take the page's place.
    const over = (event: DragEvent) => {
      event.preventDefault()
      dragging.value = true
    }
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) dragging.value = false
    }
    const drop = (event: DragEvent) => {
      event.preventDefault()
      dragging.value = false
      bring(event.dataTransfer?.files)
    }
    const listeners = { paste, dragover: over, dragleave: leave, drop }
    for (const [type, listener] of Object.entries(listeners)) addEventListener(type, listener as (event: Event) => void)
    return () => {
      for (const [type, listener] of Object.entries(listeners)) removeEventListener(type, listener as (event: Event) => void)
    }
  }, [])
  const family = manifest.value
  return (
    <section class={`picture${dragging.value ? ' dragging' : ''}`} aria-label="Picture">
      <h2>Picture</h2>
      <div class="frame">
        <Seen />
        <Live />
        <p class="drop" aria-hidden="true">
          Drop it here
        </p>
      </div>
      <p class="note">{noteText()}</p>
      <div class="actions">
        <input
          ref={input}
          type="file"
          accept="image/*"
          class="hidden"
          tabIndex={-1}
          aria-hidden="true"
          onChange={() => bring(input.current?.files)}
        />
        <button type="button" onClick={() => input.current?.click()}>
          Upload
        </button>
        <button type="button" aria-pressed={camera.value === 'on'} onClick={() => (camera.value === 'off' ? void watch() : stopCamera())}>
          {camera.value === 'off' ? 'Camera' : 'Stop camera'}
        </button>
        <button
          type="button"
          disabled={!seen.value?.invertible || camera.value !== 'off'}
          aria-pressed={seen.value?.inverted ?? false}
          onClick={() => invert(!seen.value?.inverted)}
        >
          Invert
        </button>
      </div>
      <p class="note quiet">or drop or paste a picture anywhere</p>
      {!family && (
        <ul class="samples">
          {Array.from({ length: 12 }, (_, i) => (
            <li key={i} />
          ))}
        </ul>
      )}
      {family && family.samples.length > 0 && (
        <ul class="samples" aria-label="Sample pictures">
          {family.samples.map(({ file, label }) => (
            <li key={file}>
              <button
                type="button"
                title={family.classes[label]}
                onClick={() => {
                  stopCamera()
                  show({ kind: 'sample', file }, label)
                }}
              >
                <img src={`family/${file}`} alt={`sample: ${family.classes[label]}`} width="28" height="28" />
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function noteText() {
  const family = manifest.value
  const picture = seen.value
  if (!family || !picture) return 'loading'
  const { height, width, channels } = picture.pixels
  const what = `${height} × ${width} pixels, ${channels === 1 ? 'grey' : 'colour'}: what the network sees`
  if (picture.inverted) return `${what}, inverted: its family knows dark backgrounds`
  return truth.value === undefined ? what : `${what}; it shows: ${family.classes[truth.value]}`
}

/** The picture as the network takes it. */
function Seen() {
  const canvas = useRef<HTMLCanvasElement>(null)
  useSignalEffect(() => {
    const picture = seen.value
    if (picture && canvas.current) paint(canvas.current, picture.pixels)
  })
  return <canvas ref={canvas} class="seen" width={28} height={28} role="img" aria-label="the picture as the network sees it" />
}

/** Draws pixels one to one. */
export function paint(
  canvas: HTMLCanvasElement,
  { data, height, width, channels }: { data: Uint8Array; height: number; width: number; channels: number },
): void {
  canvas.width = width
  canvas.height = height
  const image = new ImageData(width, height)
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = data[i * channels + (channels === 1 ? 0 : c)]!
    image.data[4 * i + 3] = 255
  }
  canvas.getContext('2d')!.putImageData(image, 0, 0)
}

/** The camera's own picture, small. */
function Live() {
  const video = useRef<HTMLVideoElement>(null)
  useSignalEffect(() => {
    if (video.current) video.current.srcObject = camera.value === 'on' ? (frameOf.stream ?? null) : null
  })
  return <video ref={video} class="live" hidden={camera.value !== 'on'} autoplay muted playsInline aria-label="camera" />
}

/** Asks for the camera, then shows a frame whenever the one before is answered. */
async function watch(): Promise<void> {
  if (!(await startCamera())) return
  while (camera.value === 'on') {
    const before = answer.peek()
    const frame = await frameOf.next()
    if (!frame || camera.value !== 'on') return frame?.close()
    show({ kind: 'frame', frame })
    await until(() => answer.peek() !== before || camera.peek() !== 'on')
  }
}

/** At most a quarter of a second, and one frame of the screen at least. */
async function until(done: () => boolean): Promise<void> {
  const start = performance.now()
  do await new Promise((resolve) => requestAnimationFrame(resolve))
  while (!done() && performance.now() - start < 250)
}
