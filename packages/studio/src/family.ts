import type { JsonObject, Preprocessing } from '@learngene/interfaces'
import type { SpaceSpec } from '@learngene/stitch'
import type { NetworkStructure, PartSpec } from '@learngene/vit-blocks'
import type { WireFormat } from './wire.js'

/** The name of the file that describes a family's other files. */
export const FAMILY = 'manifest.json'

/** What a page needs to know of a family; its files lie beside it. */
export interface FamilyManifest {
  readonly format: 'learngene-studio'
  readonly schema: 1
  /** What the family is called, such as a run's folder. */
  readonly name: string
  readonly weights: WireFormat
  readonly classes: readonly string[]
  readonly preprocessing: Preprocessing
  /** Whether its pictures have a dark background, by the samples' borders; pictures with a bright one are then inverted, where they are grey. */
  readonly dark: boolean
  readonly space: SpaceSpec
  readonly stitch: PartSpec
  /** Of the pool: what goes into files of its descendants. */
  readonly details: JsonObject
  /** Ascending by width; each file holds a tier and the stitches between it and narrower ones. */
  readonly tiers: readonly TierFile[]
  readonly descendants: readonly DescendantEntry[]
  readonly accuracy: AccuracyNote
  /** Pictures as the networks take them but for the normalisation. */
  readonly samples: readonly SampleEntry[]
}

export interface TierFile {
  readonly name: string
  readonly structure: NetworkStructure
  readonly standsFor?: readonly number[]
  readonly file: string
  readonly bytes: number
  /** Whether it is the ancestor itself. */
  readonly ancestor: boolean
}

export interface DescendantEntry {
  readonly path: string
  readonly macs: number
  readonly parameters: number
  /** Bytes: 4 x (parameters + peak live floats of one image). */
  readonly memory: number
  readonly validationAccuracy: number
  readonly testAccuracy: number
}

export interface AccuracyNote {
  readonly validationImages: number
  readonly testImages: number
  /** Of which weights the accuracies are: those of the run, or those that travel. */
  readonly of: 'run' | 'wire'
}

export interface SampleEntry {
  readonly file: string
  /** Its class. */
  readonly label: number
}

/** A family's manifest. @throws Error of one line where it is none, or of another version */
export function readFamily(text: string, name: string = FAMILY): FamilyManifest {
  let value: Partial<FamilyManifest>
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`${name} is not JSON (${(error as Error).message}); build the page again`)
  }
  const { format, schema, tiers, descendants, classes } = value ?? {}
  if (format !== 'learngene-studio' || schema !== 1)
    throw new Error(
      `${name} must have format "learngene-studio" and schema 1; it has ${JSON.stringify(format)} and ${JSON.stringify(schema)}`,
    )
  if (!isFilled(tiers) || !isFilled(descendants) || !isFilled(classes))
    throw new Error(`${name} must list tiers, descendants and classes; it does not: build the page again`)
  return value as FamilyManifest
}

const isFilled = (value: unknown) => Array.isArray(value) && value.length > 0

/** Of a descendant with parts in several tiers the last one's file is needed: tiers are ascending, and come in that order. */
export const tiersOf = (path: string): string[] => path.split('>').map((segment) => segment.slice(0, segment.indexOf('[')))
