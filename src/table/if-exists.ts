/** What to do when something of that name exists. */
export type IfExists = 'error' | 'ignore' | 'replace'
/** What to do when nothing of that name exists. */
export type IfNotExists = 'error' | 'ignore'
