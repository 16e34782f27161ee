import cliProgress from 'cli-progress'
import { printable } from '../printable.js'

/** @import { Io } from '../io.js' */
/** @import { Counters } from './counters.js' */

/** A line after so many percent, or so many seconds, where there is no terminal. */
const PERCENT = 10
const SECONDS = 30
/** What beside the bar needs room in a line. */
const WORDS = 62

/**
 * How far the batch is: a bar on a terminal, plain lines otherwise.
 *
 * @param {Counters} counters
 * @param {Io} io
 */
export const createProgress = (counters, io) => (io.stderr.isTTY ? bar(counters, io) : lines(counters, io))

/**
 * @param {Counters} counters
 * @param {Io} io
 */
function bar(counters, io) {
  const drawn = new cliProgress.SingleBar(
    {
      format: '{bar} {percentage} %  {value}/{total}  {status}',
      stream: io.stderr,
      barsize: Math.max(10, Math.min(40, (io.stderr.columns || 80) - WORDS)),
      hideCursor: true,
      stopOnComplete: false,
      gracefulExit: false,
      fps: 10,
    },
    cliProgress.Presets.shades_classic,
  )
  drawn.start(counters.total, 0, { status: '' })
  return {
    update: () => drawn.update(counters.done, { status: statusOf(counters, io) }),
    stop() {
      drawn.update(counters.done, { status: statusOf(counters, io) })
      drawn.stop()
    },
  }
}

/**
 * @param {Counters} counters
 * @param {Io} io
 */
function lines(counters, io) {
  let percent = 0
  let seconds = 0
  return {
    update() {
      const now = Math.floor((counters.done / counters.total) * 100)
      if (now < percent + PERCENT && counters.seconds < seconds + SECONDS) return
      percent = now - (now % PERCENT)
      seconds = counters.seconds
      const line = `${counters.done}/${counters.total} (${now} %)  ${statusOf(counters, io)}`
      io.note({ zh: line, en: line })
    },
    stop() {},
  }
}

/**
 * Rate, remaining time, errors by code.
 *
 * @param {Counters} counters
 * @param {Io} io
 */
function statusOf({ rate, remaining, errors }, { say }) {
  const parts = [say({ zh: `${rate.toFixed(1)} 个/秒`, en: `${rate.toFixed(1)}/s` })]
  if (remaining !== undefined) parts.push(say({ zh: `剩余 ${time(remaining)}`, en: `${time(remaining)} left` }))
  for (const [code, { count }] of errors) parts.push(`${code} ×${count}`)
  return printable(parts.join('  '))
}

/** @param {number} seconds */
export function time(seconds) {
  const whole = Math.ceil(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  const clock = [minutes, whole % 60].map((part) => String(part).padStart(2, '0')).join(':')
  return hours > 0 ? `${hours}:${clock}` : clock
}
