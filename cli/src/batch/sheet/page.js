// @ts-nocheck It runs in the browser that shows the sheet.

const main = document.querySelector('main')
const grids = document.querySelector('#grid')
const cut = document.querySelector('#cut')

/** Deals the codes out to pages of another grid, whose measures its choice has. */
function deal({ value, dataset: { style, lines, edges } }) {
  const [columns, rows] = value.split('x').map(Number)
  const figures = [...main.querySelectorAll('figure')]
  const [page] = main.children
  const pages = Math.ceil(figures.length / (columns * rows))
  const sections = Array.from({ length: pages }, (_, at) => {
    const section = page.cloneNode(true)
    section.querySelector('.codes').replaceChildren(...figures.slice(at * columns * rows, (at + 1) * columns * rows))
    section.querySelector('footer').lastElementChild.textContent = `${at + 1} / ${pages}`
    return section
  })
  document.body.style.cssText = style
  document.querySelector('#lines').setAttribute('d', lines)
  document.querySelector('#edges').setAttribute('d', edges)
  main.replaceChildren(...sections)
}

/** Prints when every picture is there: those never in sight are not loaded yet, and paper does not wait for them. */
async function printAll() {
  const images = [...document.images]
  for (const image of images) image.loading = 'eager'
  await Promise.all(images.map(arrived))
  print()
}

/** A picture that is missing has arrived, too: its label is printed without it. */
const arrived = (image) =>
  image.complete ||
  new Promise((resolve) => {
    image.addEventListener('load', resolve)
    image.addEventListener('error', resolve)
  })

grids?.addEventListener('change', () => {
  const [choice] = grids.selectedOptions
  document.querySelector('.warning').hidden = !('small' in choice.dataset)
  if (main.children.length > 0) deal(choice)
})
cut.addEventListener('change', () => {
  document.body.dataset.cut = cut.value
})
document.querySelector('button').addEventListener('click', printAll)
