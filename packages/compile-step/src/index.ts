export { type CompiledStep, type CompileStepOptions, compileStep, runOnce } from './compile-step.js'
export type { StepStats } from './stats.js'
export type { CompileProgress } from './webgpu/compile-ahead.js'
