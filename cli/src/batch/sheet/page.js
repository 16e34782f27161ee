// @ts-nocheck It runs in the browser that shows the sheet.

const main = document.querySelector('main')
const grids = document.querySelector('select')

/** Deals the codes out to pages of another grid. */
function deal(columns, rows) {
  const figures = [...main.querySelectorAll('figure')]
  const [page] = main.children
  const pages = Math.ceil(figures.length / (columns * rows))
  const sections = Array.from({ length: pages }, (_, at) => {
    const section = page.cloneNode(false)
    const codes = page.querySelector('.codes').cloneNode(false)
    const footer = page.querySelector('footer').cloneNode(true)
    codes.append(...figures.slice(at * columns * rows, (at + 1) * columns * rows))
    footer.lastElementChild.textContent = `${at + 1} / ${pages}`
    section.append(codes, footer)
    return section
  })
  document.body.style.setProperty('--columns', columns)
  document.body.style.setProperty('--rows', rows)
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

grids.addEventListener('change', () => {
  document.querySelector('.warning').hidden = !('small' in grids.selectedOptions[0].dataset)
  if (main.children.length > 0) deal(...grids.value.split('x').map(Number))
})
document.querySelector('button').addEventListener('click', printAll)
