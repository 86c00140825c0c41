// Prints the README's platform table from the last `npm test -- --all`: the tests that passed on each backend.
import { readFileSync } from 'node:fs'

const counts = JSON.parse(readFileSync(new URL('../node_modules/.backend-tests.json', import.meta.url), 'utf8'))
const columns = ['Node', 'Chromium'].flatMap((place) => ['inference', 'training'].map((what) => ({ place, what })))
const row = (cells) => `| ${cells.join(' | ')} |`

console.log(row(['backend', ...columns.map(({ place, what }) => `${place}, ${what}`)]))
console.log(row(['---', ...columns.map(() => '---:')]))
for (const [backend, places] of Object.entries(counts)) {
  console.log(row([backend, ...columns.map(({ place, what }) => places[place]?.[what] ?? '–')]))
}
