// Prints the first and the last index of each wave of a file of units, a wave a line: node waves.mjs RUN/units.jsonl
import { readFileSync } from 'node:fs'

const waves = []
const lines = readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)
lines.forEach((line, index) => {
  const { wave } = JSON.parse(line)
  if (waves.at(-1)?.wave !== wave) waves.push({ wave, first: index })
  waves.at(-1).last = index
})
for (const { first, last } of waves) console.log(first, last)
