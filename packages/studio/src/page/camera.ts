import { signal } from '@preact/signals'
import { problem } from './state.js'

export const camera = signal<'off' | 'asking' | 'on'>('off')

let video: HTMLVideoElement | undefined

/** The camera's stream, and its frames. */
export const frameOf = {
  stream: undefined as MediaStream | undefined,
  /** The middle square of what the camera shows now; undefined where it shows nothing. */
  async next(): Promise<ImageBitmap | undefined> {
    if (!video || video.videoWidth === 0) return undefined
    const side = Math.min(video.videoWidth, video.videoHeight)
    const size = Math.min(side, 320)
    const [x, y] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2]
    return createImageBitmap(video, x, y, side, side, { resizeWidth: size, resizeHeight: size, resizeQuality: 'medium' })
  },
}

/** Asks for the camera. @returns whether it is on */
export async function startCamera(): Promise<boolean> {
  if (camera.value === 'on') return true
  camera.value = 'asking'
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: 'environment', width: { ideal: 640 }, height: { ideal: 480 } },
    })
    video = Object.assign(document.createElement('video'), { srcObject: stream, muted: true, playsInline: true })
    await video.play()
    frameOf.stream = stream
    camera.value = 'on'
    return true
  } catch (error) {
    camera.value = 'off'
    problem.value = { what: 'picture', message: `the camera does not start: ${(error as Error).message}` }
    return false
  }
}

export function stopCamera(): void {
  for (const track of frameOf.stream?.getTracks() ?? []) track.stop()
  frameOf.stream = undefined
  video = undefined
  camera.value = 'off'
}
