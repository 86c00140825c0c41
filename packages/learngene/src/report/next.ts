import { quoted } from './text.js'

/** A command, ready to copy. */
export function commandText(...words: readonly (string | number)[]): string {
  return ['npx learngene', ...words.map((word) => quoted(String(word)))].join(' ')
}

/** The end of what a command prints for people: what is useful next, each ready to copy; '' where it is to be quiet. */
export function nextText(commands: readonly string[], quiet = false): string {
  if (quiet || commands.length === 0) return ''
  return commands.length === 1 ? `\nnext: ${commands[0]}\n` : `\nnext:\n${commands.map((command) => `  ${command}\n`).join('')}`
}
