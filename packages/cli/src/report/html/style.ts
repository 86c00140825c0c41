import { raw } from './html.js'

/** Blue and orange stay apart for colour-blind readers; shapes differ as well. */
export const style = raw(`
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1b2330; --soft: #5d6878; --line: #e1e5eb;
  --stitched: #2563eb; --single: #d9620b; --front: #0f9d76; --accent: #0f766e; --bar: #a9b8d0; --mark: #fff6da;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #11151c; --card: #1a202a; --ink: #e7ebf1; --soft: #9aa6b6; --line: #2c3542;
    --stitched: #6ea0ff; --single: #f59b4f; --front: #35c79b; --accent: #45cbb8; --bar: #47566f; --mark: #3a3320;
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
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); white-space: nowrap }
th { font-weight: 600; color: var(--soft); font-size: 0.84rem }
tbody tr:last-child td { border-bottom: 0 }
.number { text-align: right }
tr.chosen td { background: var(--mark) }
tr.total td { font-weight: 600 }
.tag { font-size: 0.75rem; background: var(--accent); color: var(--card); border-radius: 99px; padding: 1px 8px; margin-left: 4px }
th button { all: unset; cursor: pointer; border-radius: 4px }
th button:focus-visible { outline: 2px solid var(--stitched) }
th[aria-sort=ascending] button::after { content: ' ▲' }
th[aria-sort=descending] button::after { content: ' ▼' }
code, pre { font: 0.92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
pre { background: var(--page); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; overflow-x: auto; margin: 0 0 14px }
summary { cursor: pointer; color: var(--soft); margin-bottom: 8px }
.facts td, .prose { white-space: normal; overflow-wrap: anywhere }
.facts td:first-child { color: var(--soft); white-space: nowrap }
.prose { min-width: 150px }
.why { overflow-wrap: anywhere }
svg { max-width: 100% }
.plot svg { display: block; width: 100%; height: auto; font-size: 13px }
.plot { margin-bottom: 0 }
.bars { max-width: 600px; margin-bottom: 14px }
.plot text { fill: var(--soft) }
.plot .label { fill: var(--ink); font-size: 12.5px; paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round }
.plot .strong { font-weight: 700; font-size: 14px }
.plot .value { fill: var(--ink); font-weight: 600 }
.grid line { stroke: var(--line) }
.titles text { font-size: 13px }
.front { fill: none; stroke: var(--front); stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round }
.ancestor { stroke: var(--soft); stroke-dasharray: 5 5 }
.plot .ancestor-label { fill: var(--soft); paint-order: stroke; stroke: var(--card); stroke-width: 4px }
.star { fill: var(--soft) }
.stitched { fill: var(--card); stroke: var(--stitched); stroke-width: 2 }
.single { fill: var(--card); stroke: var(--single); stroke-width: 2 }
.stitched.pareto { fill: var(--stitched) }
.single.pareto { fill: var(--single) }
.ring { fill: none; stroke: var(--ink); stroke-width: 2.5 }
.plot circle:hover, .plot rect:hover { stroke-width: 4 }
.bar { fill: var(--bar) }
.bar.first { fill: var(--front); fill-opacity: 0.55 }
.dot { fill: var(--ink); fill-opacity: 0.55 }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; padding: 0; margin: 0 0 8px; font-size: 0.88rem; color: var(--soft) }
.legend li { display: flex; align-items: center; gap: 6px }
.switch { position: absolute; opacity: 0; pointer-events: none }
.switches { display: inline-flex; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; margin: 6px 0 12px; font-size: 0.88rem }
.switches label { padding: 4px 12px; cursor: pointer; color: var(--soft) }
.on-validation { display: none }
#show-validation:checked ~ .on-validation { display: block }
#show-validation:checked ~ .on-test { display: none }
#show-test:checked ~ .switches label[for=show-test], #show-validation:checked ~ .switches label[for=show-validation] { background: var(--page); color: var(--ink); font-weight: 600 }
.switch:focus-visible ~ .switches { outline: 2px solid var(--stitched) }
.meter { height: 10px; border-radius: 5px; background: var(--bar); min-width: 2px }
.meter.ours { background: var(--front) }
footer { color: var(--soft); font-size: 0.88rem; margin-top: 22px }
@media (max-width: 560px) { main { padding: 20px 12px 40px } section { padding: 16px 14px } h1 { font-size: 1.5rem } .card b { font-size: 1.5rem } .cards { grid-template-columns: 1fr 1fr; gap: 10px } .card { padding: 12px } }
@media (max-width: 560px) {
  .plot svg { font-size: 21px }
  .plot .label, .titles text { font-size: 20px }
  .titles .vertical { display: none }
  .stitched { r: 8px; stroke-width: 3 }
  .single { stroke-width: 6 }
  .bars svg, .bars .label { font-size: 15px }
}
@media print { body { background: none } section, .card { break-inside: avoid } }
`)
