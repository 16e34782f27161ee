// Names that several files of the benchmark use.

export const OURS = 'wxacode'
/** Another build of wxacode, which takes turns with this one: `--addon`. */
export const BEFORE = 'wxacode (before)'
/** This build with subscribers to all channels of tracing: `--clients` names it. */
export const TRACED = 'wxacode (traced)'
/** What wxacode is compared with: the fastest client of JavaScript, with as many connections as calls. */
export const REFERENCE = 'undici Pool'
/** A loop of reqwest without Node: what is left of a client if only its HTTP is counted. */
export const BARE = 'bare'
/** An addon that only requests codes, and checks nothing: what an addon costs at least. */
export const MINIMAL = 'minimal addon'
