import type { BackendName } from '@learngene/backends'
import type { ReferenceCheck } from '@learngene/vit-blocks'
import { checkReferenceFile } from '@learngene/vit-blocks/node'
import { startBackend } from '../start-backend.js'

/**
 * Runs a reference file on a backend.
 *
 * @returns the check, and the backend that it ran on
 * @throws when the backend does not start, or the file cannot be read or is not a good reference
 */
export async function verifyReference(
  reference: string,
  backend: BackendName | 'auto',
): Promise<ReferenceCheck & { readonly backend: BackendName }> {
  const { name } = await startBackend(backend)
  return { backend: name, ...(await checkReferenceFile(reference)) }
}
