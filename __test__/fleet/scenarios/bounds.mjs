/** How long Redis may keep a call waiting. */
export const REDIS_TIMEOUT = 250
/** What a busy machine adds. A client that does not give Redis up waits until its own deadline, 10 s. */
export const SLACK = 4000
/** How many processes a fleet of the scenarios has. */
export const PROCESSES = 3

export const none = [0, 0]
export const one = [1, 1]
export const upTo = (most) => [0, most]

/** What holds unless a scenario says otherwise, each from the least to the most. */
const BOUNDS = {
  failed: none,
  slowestMs: upTo(REDIS_TIMEOUT + SLACK),
  hung: none,
  crashed: none,
  secrets: none,
}

/** The bounds that a result of a scenario does not keep to, as text. */
export function broken({ expect: { codes = [], ...expected } }, result) {
  const outside = Object.entries({ ...BOUNDS, ...expected })
    .filter(([name, [least, most]]) => !(result[name] >= least && result[name] <= most))
    .map(([name, [least, most]]) => `${name} is ${result[name]} and not ${least} to ${most}`)
  const unexpected = result.codes.filter((code) => !codes.includes(code))
  return [...outside, ...unexpected.map((code) => `a call failed with ${code}`)]
}

/** Lets each process make so many calls at once. */
export const all = (callers, calls, how) => Promise.all(callers.map((caller) => caller.call(calls, how)))
