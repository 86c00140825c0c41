export type { RunReport as QuickstartReport } from '@learngene/recipe/reports'
export * from '@learngene/recipe/reports'
