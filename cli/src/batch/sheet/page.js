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

document
  .querySelector('select')
  .addEventListener('change', (event) => deal(...event.target.value.split('x').map(Number)))
document.querySelector('button').addEventListener('click', () => print())
