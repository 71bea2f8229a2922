/** A module that opens a database, as one should not. */
import { isMainThread } from 'node:worker_threads'
import { Pixeltable, udf } from '../../src/index.js'

export const misplaced = udf({ name: 'worker_misplaced', worker: import.meta.url }, (n: number) => n)

// The test itself has no use for it.
if (!isMainThread) await Pixeltable.open(':memory:')
