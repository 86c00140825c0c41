/** What of `@huggingface/hub` is used. */
export type HubClient = Pick<
  typeof import('@huggingface/hub'),
  'downloadFile' | 'getRepoFolderName' | 'HubApiError' | 'modelInfo' | 'pathsInfo'
>

/** @throws Error when the package, an optional peer dependency, is not installed */
export async function importHubClient(load: () => Promise<HubClient> = () => import('@huggingface/hub')): Promise<HubClient> {
  try {
    return await load()
  } catch (error) {
    throw new Error("'hf:' addresses with a cache need the package @huggingface/hub: npm install @huggingface/hub", { cause: error })
  }
}
