import { Command } from 'commander'
import { addBackends } from './commands/backends.js'
import { addBench } from './commands/bench.js'
import { addClassify } from './commands/classify.js'
import { addCut } from './commands/cut.js'
import { addDoctor } from './commands/doctor.js'
import { addEvaluate } from './commands/evaluate.js'
import { addExport } from './commands/export.js'
import { addExtract } from './commands/extract.js'
import { addInstallTensorFlow } from './commands/install-tensorflow.js'
import { addPaths } from './commands/paths.js'
import { addProfile } from './commands/profile.js'
import { addQuickstart } from './commands/quickstart.js'
import { addReport } from './commands/report.js'
import { addRun } from './commands/run.js'
import { addSearch } from './commands/search.js'
import { addServe } from './commands/serve.js'
import { addStatus } from './commands/status.js'
import { addStudio } from './commands/studio.js'
import { addStudy } from './commands/study.js'
import { addTune } from './commands/tune.js'
import { addUnit } from './commands/unit.js'
import { addVerify } from './commands/verify.js'
import type { Io } from './io.js'
import { example } from './options.js'
import { version } from './version.js'

/** The command line; its actions throw, and nothing in it ends the process. */
export function createProgram(io: Io): Command {
  const program = new Command('learngene')
    .description('Turn one pretrained Vision Transformer into a family of models that fit a budget.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // main() prints every error, as one line.
      outputError: () => {},
    })
    .addHelpText('after', example('learngene quickstart', "then open runs/quickstart/report.html; 'learngene COMMAND --help' tells more"))
  for (const add of [
    addQuickstart,
    addRun,
    addStatus,
    addUnit,
    addStudy,
    addPaths,
    addSearch,
    addProfile,
    addExtract,
    addExport,
    addCut,
    addClassify,
    addEvaluate,
    addServe,
    addReport,
    addStudio,
    addVerify,
    addBench,
    addTune,
    addBackends,
    addDoctor,
    addInstallTensorFlow,
  ])
    add(program, io)
  return program
}
