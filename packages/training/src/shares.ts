/**
 * Memory that the members of a group share: the n-th request of each member gets the same new buffer.
 *
 * @returns a function that gives a member the buffer of its next request, and throws where members ask for different things
 */
export function createShares(size: number): (rank: number, name: string, byteLength: number) => SharedArrayBuffer {
  const requests = new Array<number>(size).fill(0)
  const open = new Map<number, { name: string; buffer: SharedArrayBuffer; waiting: number }>()
  return (rank, name, byteLength) => {
    const request = requests[rank]!
    requests[rank] = request + 1
    const share = open.get(request) ?? { name, buffer: new SharedArrayBuffer(byteLength), waiting: size }
    if (share.name !== name || share.buffer.byteLength !== byteLength) {
      throw new Error(
        `Group: all workers must share the same names with equal lengths; worker ${rank} asked for ${byteLength} bytes '${name}', another one for ${share.buffer.byteLength} bytes '${share.name}'`,
      )
    }
    share.waiting--
    if (share.waiting > 0) open.set(request, share)
    else open.delete(request)
    return share.buffer
  }
}
