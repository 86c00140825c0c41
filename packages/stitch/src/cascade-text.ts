import { describe } from '@learngene/vit-blocks'
import { formatPath, type Path, parsePath } from './paths/index.js'

/** A cascade of a pool's paths, as it is written down. */
export interface CascadePaths {
  readonly small: Path
  readonly large: Path
  readonly threshold: number
  /** The name of the confidence; default `probability`. */
  readonly confidence?: string
}

const EXAMPLE = 'cascade(ti9[0-8], ba9[0-8], 0.8)'

/** `cascade(ti9[0-8], ba9[0-8], 0.8)`, with a fourth part that names the confidence where it is another than the probability. */
export function formatCascade({ small, large, threshold, confidence = 'probability' }: CascadePaths): string {
  const parts = [formatPath(small), formatPath(large), String(threshold), ...(confidence === 'probability' ? [] : [confidence])]
  return `cascade(${parts.join(', ')})`
}

/** Whether a text is meant to be a cascade rather than a path. */
export const isCascadeText = (text: string): boolean => /^\s*cascade\s*\(/.test(text)

/** Reads what {@link formatCascade} writes; spaces are free. @throws one line that says what was expected and what came */
export function parseCascade(text: string): CascadePaths {
  const [, inside] = (typeof text === 'string' && /^\s*cascade\s*\((.*)\)\s*$/s.exec(text)) || []
  if (inside === undefined) throw new Error(`a cascade reads like ${EXAMPLE}; got ${describe(text)}`)
  const parts = inside.split(',').map((part) => part.trim())
  if (parts.length < 3 || parts.length > 4)
    throw new Error(
      `a cascade reads like ${EXAMPLE}: two paths, a threshold and perhaps the name of a confidence; got ${parts.length} parts`,
    )
  const [small, large, threshold, confidence] = parts as [string, string, string, string?]
  const value = threshold === '' ? Number.NaN : Number(threshold)
  if (!Number.isFinite(value))
    throw new Error(`a cascade reads like ${EXAMPLE}: its threshold must be a number; got ${describe(threshold)}`)
  if (confidence === '') throw new Error(`a cascade reads like ${EXAMPLE}: its fourth part must name a confidence; it is empty`)
  return {
    small: parsePath(small),
    large: parsePath(large),
    threshold: value,
    ...(confidence && confidence !== 'probability' && { confidence }),
  }
}
