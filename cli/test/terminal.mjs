import { spawn } from 'node:child_process'
import { BIN, watch } from './helpers.mjs'

/**
 * Runs `wxacode` on a pseudo-terminal of util-linux's `script`, as a person would: `type(text)` is the keyboard. What the
 * terminal shows is `output.out`.
 */
export function terminal(t, { folder, env, secrets }, args, { columns = 120, rows = 40, ...more } = {}) {
  const words = [process.execPath, BIN, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`)
  const command = `stty cols ${columns} rows ${rows}; exec ${words.join(' ')}`
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    cwd: folder,
    env: { ...env, TERM: 'xterm-256color', SHELL: '/bin/sh', ...more.env },
  })
  t.after(() => child.kill('SIGKILL'))
  return { ...watch(child, secrets), type: (text) => child.stdin.write(text) }
}

const ESC = '\x1b'
const CELL = new RegExp(`38;2;(\\d+);(\\d+);(\\d+)m${ESC}\\[48;2;(\\d+);(\\d+);(\\d+)m▀`, 'g')

/** The pixels that half blocks in true colour show: RGBA, each enlarged so that a scanner has something to look at. */
export function pixelsOf(text, enlarged = 4) {
  const rows = text
    .split('\r\n')
    .filter((line) => line.includes('▀'))
    .flatMap((line) => {
      const cells = [...line.matchAll(CELL)].map((cell) => cell.slice(1).map(Number))
      return [cells.map((cell) => cell.slice(0, 3)), cells.map((cell) => cell.slice(3))]
    })
  const [width, height] = [rows[0].length * enlarged, rows.length * enlarged]
  const data = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const color = rows[Math.floor(y / enlarged)][Math.floor(x / enlarged)]
      data.set([...color, 255], (y * width + x) * 4)
    }
  }
  return { width, height, data }
}
