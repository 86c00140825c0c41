import type { FamilyManifest } from '../family.js'

/** What a tensor backend is called to visitors. */
export type StudioBackend = 'webgpu' | 'wasm'

/** Pixels of one picture, row by row, 1 or 3 channels. */
export interface Pixels {
  readonly data: Uint8Array
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** A picture as a visitor gives it. */
export type GivenPicture =
  /** One of the family's samples: a file that is prepared already. */
  | { readonly kind: 'sample'; readonly file: string }
  | { readonly kind: 'blob'; readonly blob: Blob }
  | { readonly kind: 'frame'; readonly frame: ImageBitmap }

/** Files of a model that a visitor saves. */
export type ExportFormat = 'safetensors' | 'onnx' | 'transformers'

/** What the page asks of the worker. */
export type Request =
  | { readonly kind: 'start'; readonly family: string; readonly backend: StudioBackend | 'auto'; readonly measureOnly?: boolean }
  /** Prepares and shows a picture; answers follow. `invert` undefined: as its background suggests. */
  | { readonly kind: 'show'; readonly id: number; readonly picture: GivenPicture; readonly invert?: boolean }
  | { readonly kind: 'choose'; readonly id: number; readonly path: string }
  /** A visitor's own class gets a picture. */
  | { readonly kind: 'collect'; readonly id: number; readonly picture: GivenPicture; readonly label: number }
  | { readonly kind: 'forget'; readonly id: number }
  | { readonly kind: 'teach'; readonly classes: readonly string[]; readonly depth: 'head' | 'deeper' }
  | { readonly kind: 'pause' | 'resume' | 'stop' | 'undo' }
  | { readonly kind: 'export'; readonly path: string; readonly format: ExportFormat }

export interface Scored {
  readonly label: number
  readonly probability: number
}

/** One network's answer to the picture. */
export interface Answer {
  readonly path: string
  readonly classes: readonly string[]
  readonly top: readonly Scored[]
  /** Milliseconds of this one forward pass, down to reading the result. */
  readonly ms: number
}

/** The head read after a block: what the network would have answered there. */
export interface Reading {
  /** Index in the network's list of blocks, stitches counted. */
  readonly block: number
  readonly label: number
  readonly probability: number
  /** Of the class that the network answers in the end. */
  readonly final: number
}

export interface LatencyFigure {
  readonly path: string
  /** Milliseconds for one picture. */
  readonly median: number
  readonly spread: number
  readonly runs: number
}

export interface TeachStep {
  readonly step: number
  readonly steps: number
  readonly loss: number
  /** Share of the pictures held back that are right, of the network that is shown. */
  readonly accuracy?: number
}

/** Where teaching stands. */
export interface Lesson {
  readonly phase: 'idle' | 'head' | 'deeper'
  readonly paused: boolean
  /** Steps back that undo can take. */
  readonly undoable: number
  /** Of the visitor's own; undefined while the family knows its own ones. */
  readonly classes?: readonly string[]
  readonly held: number
  readonly learned: number
}

/** What the worker tells the page. */
export type Report =
  | { readonly kind: 'family'; readonly manifest: FamilyManifest }
  | {
      readonly kind: 'backend'
      readonly name: StudioBackend
      readonly why: string
      readonly device: string | null
      readonly again: boolean
    }
  | { readonly kind: 'bytes'; readonly tier: string; readonly loaded: number; readonly total: number }
  | { readonly kind: 'ready'; readonly tier: string }
  /** The picture as the network sees it. */
  | { readonly kind: 'seen'; readonly id: number; readonly pixels: Pixels; readonly inverted: boolean; readonly invertible: boolean }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'largest'; readonly answer: Answer }
  | { readonly kind: 'readings'; readonly path: string; readonly readings: readonly Reading[] }
  | { readonly kind: 'latency'; readonly figure: LatencyFigure }
  | { readonly kind: 'measured' }
  | { readonly kind: 'collected'; readonly id: number; readonly label: number; readonly pixels: Pixels }
  | { readonly kind: 'step'; readonly phase: 'head' | 'deeper'; readonly progress: TeachStep }
  | { readonly kind: 'lesson'; readonly lesson: Lesson }
  /** Accuracies on the visitor's held-back pictures, by path; undefined: those of the manifest hold again. */
  | { readonly kind: 'accuracies'; readonly byPath?: { readonly [path: string]: number }; readonly images: number }
  | { readonly kind: 'file'; readonly name: string; readonly type: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'problem'; readonly what: 'picture' | 'family' | 'backend' | 'teach' | 'export'; readonly message: string }
