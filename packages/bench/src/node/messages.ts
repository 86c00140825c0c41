import type { BackendDescription } from '@learngene/backends'
import type { Turn } from '../participant.js'
import type { Assignment } from '../task.js'

/** What a child process is asked, one question at a time. */
export type Request =
  | { readonly kind: 'describe' }
  | { readonly kind: 'start'; readonly assignment: Assignment; readonly workers: number; readonly relaxedSimd: boolean }
  | { readonly kind: 'turn'; readonly steps: number; readonly leadIn: number }

export type Reply =
  | { readonly kind: 'described'; readonly backends: readonly BackendDescription[] }
  | { readonly kind: 'ready'; readonly relaxedSimd: boolean }
  | { readonly kind: 'turn'; readonly turn: Turn }
  | { readonly kind: 'error'; readonly message: string }
