import { inflateSync } from 'node:zlib'

/**
 * The pages of a PDF as Chromium writes it: their sizes, and their pictures with the place of each, in millimetres from the top left.
 *
 * @param {Buffer} bytes
 */
export function pagesOf(bytes) {
  const objects = objectsOf(bytes)
  return [...objects.values()]
    .filter(({ head }) => /\/Type \/Page\b/.test(head))
    .map(({ head }) => {
      const [, width, height] = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/.exec(head).map(Number)
      const [, contents] = /\/Contents (\d+) 0 R/.exec(head)
      const names = new Map([...head.matchAll(/\/(X\d+) (\d+) 0 R/g)].map(([, name, number]) => [name, Number(number)]))
      const pictures = drawn(inflateSync(objects.get(Number(contents)).stream).toString('latin1')).map(
        ({ name, matrix: [a, , , d, e, f] }) => ({
          number: names.get(name),
          left: mm(e),
          top: mm(height - f - d),
          width: mm(a),
          height: mm(d),
          bytes: objects.get(names.get(name)).stream,
        }),
      )
      return { width: mm(width), height: mm(height), pictures }
    })
}

const mm = (points) => (points / 72) * 25.4

function objectsOf(bytes) {
  const text = bytes.toString('latin1')
  const objects = new Map()
  for (const { 1: number, index, 0: start } of text.matchAll(/(?<=\n)(\d+) 0 obj\n/g)) {
    const from = index + start.length
    const end = text.indexOf('endobj', from)
    const at = text.indexOf('stream\n', from)
    const head = text.slice(from, at < 0 ? end : Math.min(at, end))
    const length = Number(/\/Length (\d+)/.exec(head)?.[1] ?? 0)
    const isStream = at >= 0 && at < end
    objects.set(Number(number), { head, stream: isStream ? bytes.subarray(at + 7, at + 7 + length) : undefined })
  }
  return objects
}

/** Every picture that a stream of operators draws, with the matrix at that time. */
function drawn(operators) {
  const [found, saved] = [[], []]
  let matrix = [1, 0, 0, 1, 0, 0]
  for (const line of operators.split('\n')) {
    const words = line.trim().split(/\s+/)
    const operator = words.at(-1)
    if (operator === 'q') saved.push(matrix)
    else if (operator === 'Q') matrix = saved.pop()
    else if (operator === 'cm') matrix = times(words.slice(0, 6).map(Number), matrix)
    else if (operator === 'Do') found.push({ name: words[0].slice(1), matrix })
  }
  return found
}

const times = ([a, b, c, d, e, f], [A, B, C, D, E, F]) => [
  a * A + b * C,
  a * B + b * D,
  c * A + d * C,
  c * B + d * D,
  e * A + f * C + E,
  e * B + f * D + F,
]
