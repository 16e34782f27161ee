// @ts-nocheck It runs in the browser that shows the sheet.

const main = document.querySelector('main')

/** Deals the codes out to pages of another grid. */
function deal(columns, rows) {
  const figures = [...main.querySelectorAll('figure')]
  const sections = []
  for (let at = 0; at < figures.length; at += columns * rows) {
    const section = document.createElement('section')
    section.append(...figures.slice(at, at + columns * rows))
    sections.push(section)
  }
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

document
  .querySelector('select')
  .addEventListener('change', (event) => deal(...event.target.value.split('x').map(Number)))
document.querySelector('button').addEventListener('click', printAll)
