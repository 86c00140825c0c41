import { raw } from './html.js'

/** A click on a heading sorts its table by it. */
const sorting = `
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
`

/**
 * The picture is one stop of the Tab key, at the chosen model first; arrow keys, Home and End go from model to model. A pointer or finger takes the
 * nearest model within reach. The line below the picture tells the model's numbers.
 */
const reaching = `
for (const picture of document.querySelectorAll('.picture')) {
  const readout = picture.querySelector('.readout')
  for (const drawing of picture.querySelectorAll(':scope > svg')) {
    const models = [...drawing.querySelectorAll('.model')]
    const take = (model) => {
      for (const other of models) other.setAttribute('tabindex', other === model ? '0' : '-1')
    }
    take(models.find((model) => model.querySelector('.ring')) ?? models[0])
    const show = (model) => {
      take(model)
      for (const other of models) other.classList.toggle('shown', other === model)
      const text = model.querySelector('title').textContent
      if (readout.textContent !== text) readout.textContent = text
    }
    const nearest = ({ clientX, clientY }) => {
      let [found, least] = [undefined, 26]
      for (const model of models) {
        for (const mark of model.querySelectorAll('.mark')) {
          const { left, right, top, bottom } = mark.getBoundingClientRect()
          const distance = Math.hypot((left + right) / 2 - clientX, (top + bottom) / 2 - clientY)
          if (distance < least) [found, least] = [model, distance]
        }
      }
      return found
    }
    // On its parent: a drawing that listens for the focus could take it by itself.
    picture.addEventListener('focusin', ({ target }) => {
      const model = target.closest('.model')
      if (models.includes(model)) show(model)
    })
    drawing.addEventListener('pointermove', (event) => {
      const model = nearest(event)
      if (model) show(model)
    })
    drawing.addEventListener('pointerdown', (event) => {
      const model = nearest(event)
      if (!model) return
      event.preventDefault()
      show(model)
      model.focus({ preventScroll: true })
    })
    drawing.addEventListener('keydown', (event) => {
      const from = models.indexOf(event.target.closest('.model'))
      const to = { ArrowRight: from + 1, ArrowUp: from + 1, ArrowLeft: from - 1, ArrowDown: from - 1, Home: 0, End: models.length - 1 }[event.key]
      if (to === undefined || from < 0) return
      event.preventDefault()
      models[Math.min(models.length - 1, Math.max(0, to))].focus()
    })
  }
}
`

/** All that runs in the page; without it the page shows the same, and every model of the picture is a stop of the Tab key. */
export const scripts = raw(sorting + reaching)
