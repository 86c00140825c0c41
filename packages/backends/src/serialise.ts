let last: Promise<unknown> = Promise.resolve()

/** Runs `task` after all tasks given before it have ended, however they ended: the engine has one current backend. */
export function serialise<T>(task: () => Promise<T>): Promise<T> {
  const result = last.then(task, task)
  last = result.catch(() => {})
  return result
}
