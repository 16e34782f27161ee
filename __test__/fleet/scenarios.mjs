import { budget } from './scenarios/budget.mjs'
import { isolation } from './scenarios/isolation.mjs'
import { leaders } from './scenarios/leaders.mjs'
import { matrix } from './scenarios/matrix.mjs'
import { sharing } from './scenarios/sharing.mjs'

export { broken } from './scenarios/bounds.mjs'

/**
 * What a fleet goes through. `run(t)` plays it and gives what came of it, `expect` says within which bounds that has to
 * lie, `promises` are the numbers of what it proves, `skip` why it cannot be played here.
 */
export const scenarios = [...sharing, ...matrix, ...leaders, ...budget, ...isolation]

/** What happens, when, in which mode, and what comes of it. */
export const title = ({ fault, moment, mode, outcome }) => `${mode}, ${moment}: ${fault}, and ${outcome}`
