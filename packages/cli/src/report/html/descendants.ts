import type { DescendantRow, QuickstartReport } from '../../quickstart/report.js'
import { formatCount, formatShare } from '../text.js'
import { type Html, html, raw } from './html.js'

/** All descendants; a click on a heading sorts by it where scripts may run. */
export function descendantsTable({ descendants, choice }: QuickstartReport): Html {
  const heading = (text: string, kind = 'number') => html`<th class="${kind}" aria-sort="none">${text}</th>`
  return html`<div class="scroll"><table class="sortable">
<thead><tr>${heading('#')}${heading('path', '')}${heading('MACs')}${heading('parameters')}${heading('memory')}${heading('validation')}${heading('test')}${heading('Pareto', '')}</tr></thead>
<tbody>
${descendants.map((row) => descendantRow(row, row.path === choice.path))}</tbody>
</table></div>`
}

function descendantRow(row: DescendantRow, chosen: boolean): Html {
  const cell = (value: number, text: string) => html`<td class="number" data-value="${value}" title="${value}">${text}</td>`
  return html`<tr class="${chosen ? 'chosen' : ''}">${cell(row.id, String(row.id))}<td><code>${row.path}</code>${chosen ? html` <b class="tag">chosen</b>` : ''}</td>${cell(row.macs, formatCount(row.macs))}${cell(row.parameters, formatCount(row.parameters))}${cell(row.memory, `${formatCount(row.memory)}B`)}${cell(row.validationAccuracy, formatShare(row.validationAccuracy))}${cell(row.testAccuracy, formatShare(row.testAccuracy, 2))}<td data-value="${row.pareto ? 0 : 1}">${row.pareto ? 'yes' : ''}</td></tr>
`
}

export const sortScript = raw(`
for (const table of document.querySelectorAll('table.sortable')) {
  const body = table.tBodies[0]
  const headings = [...table.querySelectorAll('th')]
  headings.forEach((heading, column) => {
    const button = document.createElement('button')
    button.textContent = heading.textContent
    heading.replaceChildren(button)
    button.onclick = () => {
      const sign = heading.getAttribute('aria-sort') === 'ascending' ? -1 : 1
      for (const other of headings) other.setAttribute('aria-sort', 'none')
      heading.setAttribute('aria-sort', sign > 0 ? 'ascending' : 'descending')
      const value = (row) => row.cells[column].dataset.value
      const text = (row) => row.cells[column].textContent
      const compare = (a, b) => (value(a) === undefined ? text(a).localeCompare(text(b)) : value(a) - value(b))
      body.append(...[...body.rows].sort((a, b) => sign * compare(a, b)))
    }
  })
}
`)
