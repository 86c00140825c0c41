export { type CompiledStep, type CompileStepOptions, compileStep } from './compile-step.js'
export type { StepStats } from './stats.js'
