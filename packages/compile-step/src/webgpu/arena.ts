import { tensorUsage } from './backend.js'

/** A buffer of an arena, used by one recording or several. */
export interface Slot {
  readonly buffer: GPUBuffer
  users: number
}

/** The GPU buffers that recordings share, of which one runs at a time. */
export class Arena {
  private readonly slots = new Set<Slot>()

  constructor(private readonly device: GPUDevice) {}

  /** The slots that any recording may use, in a stable order. */
  get shared(): readonly Slot[] {
    return [...this.slots]
  }

  get buffers(): number {
    return this.slots.size
  }

  get bytes(): number {
    return this.shared.reduce((sum, { buffer }) => sum + buffer.size, 0)
  }

  make(size: number): Slot {
    const slot: Slot = { buffer: this.device.createBuffer({ size, usage: tensorUsage() }), users: 0 }
    this.slots.add(slot)
    return slot
  }

  /** Ends a recording's use of a slot; one that no other uses is destroyed. */
  release(slot: Slot): void {
    if (--slot.users > 0) return
    this.slots.delete(slot)
    slot.buffer.destroy()
  }
}
