import { engine } from '@tensorflow/tfjs-core'
import { collectTensors } from './collect-tensors.js'

type Scope = ReturnType<typeof engine>['state']['activeScope']

/** Scopes whose function has ended while a scope inside them was open; they are closed when they come to the top of the stack. */
const overtaken = new WeakSet<Scope>()

/** Closes `scope`, keeping `kept` alive. Returns false, and leaves it to whoever is on top, where it is not the innermost open scope. */
function closeScope(scope: Scope, kept: ReturnType<typeof collectTensors>): boolean {
  if (engine().state.activeScope !== scope) {
    overtaken.add(scope)
    return false
  }
  engine().endScope(kept)
  while (engine().state.activeScope && overtaken.has(engine().state.activeScope)) engine().endScope(kept)
  return true
}

/**
 * `tf.tidy` for async functions: frees every tensor made while `run` runs, but for those that it returns (in any nesting of arrays, objects,
 * maps and sets; private `#fields` cannot be seen), those kept by `tf.keep`, and variables. Frees on a throw too. What it returns belongs to
 * the scope around it, if there is one.
 *
 * Scopes nest: a scope may be opened and awaited inside another, and `tf.tidy` may be used inside. They must not interleave: the engine has
 * one stack of scopes and frees by time, not by call chain, so run scopes one after the other, never under one `Promise.all`, and make no
 * tensors elsewhere while a scope is open.
 *
 * @throws what `run` throws; or an error where scopes interleaved, in which case the tensors of this scope are freed with the inner one's.
 */
export async function withScope<T>(run: () => Promise<T>): Promise<T> {
  engine().startScope('withScope')
  const scope = engine().state.activeScope
  let result: T
  try {
    result = await run()
  } catch (error) {
    closeScope(scope, [])
    throw error
  }
  if (!closeScope(scope, collectTensors(result))) {
    throw new Error(
      'async scopes must nest, but this one ended while a scope opened after it was still open; await one before starting the next',
    )
  }
  return result
}
