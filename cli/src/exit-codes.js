/** What a script learns from a command. README.md says the same to people. */
export const EXIT = {
  ok: 0,
  /** A code, a row or a check failed; what else can fail and is none of the following. */
  failed: 1,
  /** Wrong usage, or parameters that were refused here. */
  usage: 2,
  /** What every other call would meet: wrong credentials, an address that is not listed, a quota that is used up, a wrong set-up. */
  account: 3,
  /** WeChat or Redis could not be reached, or sent an invalid response. */
  network: 4,
  interrupted: 130,
  terminated: 143,
}
