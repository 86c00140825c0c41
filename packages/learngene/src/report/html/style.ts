import { raw } from './html.js'
import { RUN_COLOURS } from './marks.js'

/** Of runs side by side; each has at least 3 to 1 contrast with the card that it is on. */
const LIGHT_RUNS = ['#2563eb', '#d05a05', '#0b8a67', '#a3239b', '#b91c3c', '#0e7490', '#7a5a12', '#5b6472']
const DARK_RUNS = ['#6ea0ff', '#f59b4f', '#35c79b', '#e58ae0', '#ff8093', '#4cc4e0', '#d6b25e', '#b4bdc9']
const variables = (colours: readonly string[]) => colours.map((colour, i) => `--run-${i}: ${colour}`).join('; ')
const runs = Array.from({ length: RUN_COLOURS }, (_, i) => `.run-${i} { --colour: var(--run-${i}) }`).join('\n')

/** Blue and orange stay apart for colour-blind readers; shapes differ as well. Paper is light. */
export const style = raw(`
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1b2330; --soft: #566070; --line: #e1e5eb;
  --stitched: #2563eb; --single: #d05a05; --front: #0b8a67; --budget: #a3239b; --accent: #0f766e; --bar: #a9b8d0; --mark: #fff6da;
  ${variables(LIGHT_RUNS)};
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #11151c; --card: #1a202a; --ink: #e7ebf1; --soft: #a3aebd; --line: #2c3542;
    --stitched: #6ea0ff; --single: #f59b4f; --front: #35c79b; --budget: #e58ae0; --accent: #45cbb8; --bar: #47566f; --mark: #3a3320;
    ${variables(DARK_RUNS)};
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif }
main { max-width: 1000px; margin: 0 auto; padding: 32px 20px 64px }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.02em }
h2 { font-size: 1.2rem; margin: 0 0 4px; letter-spacing: -0.01em }
p { margin: 0 0 14px; max-width: 72ch }
.lead, .note { color: var(--soft) }
.note { font-size: 0.9rem }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 22px; margin-top: 18px }
section > :last-child { margin-bottom: 0 }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(205px, 1fr)); gap: 14px; margin-top: 22px }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px }
.card b { display: block; font-size: 1.75rem; line-height: 1.25; letter-spacing: -0.02em; font-variant-numeric: tabular-nums }
.card span { color: var(--soft); font-size: 0.88rem; line-height: 1.4; display: block; overflow-wrap: anywhere }
.card .what { color: var(--ink); font-weight: 600 }
.scroll { overflow-x: auto; margin-bottom: 14px }
a { color: var(--accent) }
small { color: var(--soft); font-size: 0.84em }
:focus-visible { outline: 3px solid var(--stitched); outline-offset: 2px; border-radius: 4px }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); white-space: nowrap }
th { font-weight: 600; color: var(--soft); font-size: 0.84rem }
tbody tr:last-child td { border-bottom: 0 }
.number { text-align: right }
tr.chosen td { background: var(--mark) }
tr.total td { font-weight: 600 }
.runs td { vertical-align: top }
.runs th { vertical-align: bottom }
.runs .prose { min-width: 130px; overflow-wrap: break-word }
.runs tr > :first-child { position: sticky; left: 0; background: var(--card); white-space: normal; overflow-wrap: anywhere; min-width: 128px; max-width: 190px }
.runs small { display: inline-block; line-height: 1.35 }
.breakable { display: inline-block; white-space: normal }
.breakable code { white-space: nowrap }
.tag { font-size: 0.75rem; background: var(--accent); color: var(--card); border-radius: 99px; padding: 1px 8px; margin-left: 4px }
th button { all: unset; cursor: pointer; border-radius: 4px }
th button:focus-visible { outline: 3px solid var(--stitched) }
th[aria-sort=ascending] button::after { content: ' ▲' }
th[aria-sort=descending] button::after { content: ' ▼' }
code, pre { font: 0.92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
pre { background: var(--page); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; overflow-x: auto; margin: 0 0 14px }
summary { cursor: pointer; color: var(--soft); margin-bottom: 8px }
.facts td, .prose { white-space: normal; overflow-wrap: anywhere }
.facts td:first-child { color: var(--soft); white-space: nowrap }
.prose { min-width: 120px }
.prose.long { min-width: 280px }
.bar-cell { width: 30%; min-width: 50px }
.why { overflow-wrap: anywhere }
.meter { height: 10px; border-radius: 5px; background: var(--bar); min-width: 2px }
.meter.ours { background: var(--front) }
footer { color: var(--soft); font-size: 0.88rem; margin-top: 22px }

.picture { margin: 0 }
.picture > svg, .chart svg { display: block; width: 100%; height: auto; font-size: 13px }
.picture > svg.narrow { display: none; max-width: 440px; margin: 0 auto; font-size: 12px }
.chart { max-width: 600px; margin-bottom: 14px }
svg text { fill: var(--soft); pointer-events: none }
.label { fill: var(--ink); paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round }
.label.strong { font-weight: 700 }
.label.of-budget { fill: var(--budget) }
.label.of-ancestor { fill: var(--soft) }
.label.of-run { fill: var(--colour) }
.value { fill: var(--ink); font-weight: 600 }
.grid line { stroke: var(--line) }
.front { fill: none; stroke: var(--front); stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round }
.front[class*=run-] { stroke: var(--colour) }
.front.again { stroke-dasharray: 7 4 }
.ancestor-line { stroke: var(--soft); stroke-dasharray: 5 5 }
.budget-line { stroke: var(--budget); stroke-width: 1.5; stroke-dasharray: 2 4 }
.leader { stroke: var(--soft); stroke-width: 1 }
.model { cursor: pointer; outline: none; --colour: var(--stitched) }
.stitched { --colour: var(--stitched) }
.single { --colour: var(--single) }
.ancestor { --colour: var(--ink) }
${runs}
.trained { fill: var(--colour); stroke: var(--card); stroke-width: 1 }
.untrained { fill: var(--card); fill-opacity: 0.75; stroke: var(--colour); stroke-width: 1.6 }
.gain { stroke: var(--colour); stroke-width: 1; stroke-opacity: 0.4 }
.ring { fill: none; stroke: var(--ink); stroke-width: 2.5 }
.halo { fill: transparent; stroke: none }
.model.shown .halo { fill: var(--colour); fill-opacity: 0.25 }
.model:focus .halo { stroke: var(--ink); stroke-width: 2; stroke-dasharray: 4 2 }
.model.shown .gain { stroke-width: 2; stroke-opacity: 1 }
.readout { white-space: pre-line; min-height: 6.2em; max-width: none; margin: 8px 0 0; padding: 8px 12px; border: 1px solid var(--line); border-radius: 8px; background: var(--page); font-size: 0.9rem; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
.picture figcaption { margin-top: 10px }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; margin: 0 0 8px; font-size: 0.88rem; color: var(--soft) }
.legend svg { overflow: visible; flex: none }
.named { display: inline-flex; gap: 7px }
.named .key { flex: none; margin-top: 3px }
.legend li { display: flex; align-items: center; gap: 6px }
.bar { fill: var(--bar) }
.bar.first { fill: var(--front); fill-opacity: 0.55 }
.dot { fill: var(--ink); fill-opacity: 0.55 }
.chart .label { font-size: 13px }

@media screen and (max-width: 640px) {
  .picture > svg.wide { display: none }
  .picture > svg.narrow { display: block }
  .legend { gap: 2px 14px }
  .chart svg, .chart .label { font-size: 17px }
  main { padding: 20px 12px 40px }
  section { padding: 16px 14px }
  h1 { font-size: 1.5rem }
  .cards { grid-template-columns: 1fr 1fr; gap: 10px }
  .card { padding: 12px }
  th, td { padding: 6px 7px }
  .card b { font-size: 1.4rem }
}
@media print {
  :root { color-scheme: light }
  body { background: none; font-size: 12px; -webkit-print-color-adjust: exact; print-color-adjust: exact }
  main { padding: 0; max-width: none }
  section, .card { break-inside: avoid }
  section:has(.sortable) { break-inside: auto }
  tr { break-inside: avoid }
  .cards { grid-template-columns: repeat(4, 1fr) }
  table { font-size: 10px }
  th, td { padding: 3px 5px }
  th, td:not(.number) { white-space: normal }
  .scroll { overflow: visible }
  pre { white-space: pre-wrap; overflow-wrap: anywhere }
  .readout { display: none }
}
`)
