import { statfs } from 'node:fs/promises'

/** @throws where the disk that holds a directory has less than `needed` bytes left */
export async function assertFreeSpace(directory: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  if (free >= needed) return
  throw new Error(
    `TensorFlow needs ${megabytes(needed)} of disk space in ${directory} while it is installed, and ${megabytes(free)} are free; make room and run this again`,
  )
}

export const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
