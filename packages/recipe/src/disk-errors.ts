/** For `catch`: undefined where there is no such file. */
export function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
}

const reasons: { readonly [code: string]: string } = {
  ENOSPC: 'the disk is full; free some space and run again, what is finished stands',
  EDQUOT: 'the disk quota is used up; free some space and run again, what is finished stands',
  EACCES: 'there is no permission; change that of the folder, or name another',
  EPERM: 'there is no permission; change that of the folder, or name another',
  EROFS: 'the file system is read-only; name another folder',
  ENOENT: 'the folder has vanished during the run; start again',
  ENOTDIR: 'a part of the path is a file; name another folder',
}

/** Says in one line what a file system's error means. The error itself is the cause. */
export function failOnDisk(path: string, error: Error): never {
  const { code } =
    ([error, error.cause].find((each) => (each as NodeJS.ErrnoException | undefined)?.code !== undefined) as NodeJS.ErrnoException) ?? {}
  throw new Error(`${path}: ${reasons[code ?? ''] ?? error.message}`, { cause: error })
}
