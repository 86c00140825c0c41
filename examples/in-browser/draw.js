/** A figure of one 28 x 28 grey image with its caption; `right` colours the frame. */
export function drawImage(pixels, caption, right) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 28, height: 28 })
  const context = canvas.getContext('2d')
  const image = context.createImageData(28, 28)
  for (const [i, value] of pixels.entries()) image.data.set([255 - value, 255 - value, 255 - value, 255], i * 4)
  context.putImageData(image, 0, 0)
  const figure = document.createElement('figure')
  figure.className = right ? 'right' : 'wrong'
  figure.append(canvas, Object.assign(document.createElement('figcaption'), { textContent: caption }))
  return figure
}

/** Puts the losses as a line into an SVG element; the x axis ends at `steps`. */
export function drawLosses(svg, losses, steps) {
  const highest = Math.max(...losses)
  const points = losses.map((loss, i) => `${((i / steps) * 600).toFixed(1)},${(120 - (loss / highest) * 110).toFixed(1)}`)
  svg.innerHTML = `<polyline points="${points.join(' ')}"/><text x="6" y="14">loss ${losses.at(-1).toFixed(2)}, step ${losses.length} of ${steps}</text>`
}
