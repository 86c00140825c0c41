const NOBODY = 65534

/** Whether {@link withoutRights} can take rights away here: not on Windows, which has none that `chmod` sets. */
export const canLoseRights = process.platform !== 'win32'

/** Works without root's right to open every file: what `chmod` forbids is forbidden, as for any other user. What the work reads must be open to others. */
export const withoutRights = async <T>(work: () => Promise<T>): Promise<T> => {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid!(NOBODY)
  try {
    return await work()
  } finally {
    process.seteuid!(0)
  }
}
