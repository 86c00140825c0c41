import { libraryConfig } from '../../tsup.config.ts'

export default libraryConfig({ entry: ['src/index.ts', 'src/readings.ts'] })
