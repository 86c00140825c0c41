import { startBackend } from '../start-backend.js'

process.send!(await startBackend('auto'), () => process.exit(0))
