import '@tensorflow/tfjs-backend-cpu'
import { setBackend } from '@tensorflow/tfjs-core'

// Files that share a process begin on one backend, whatever the file before them has used.
await setBackend('cpu')
