import { mkdtempSync } from 'node:fs'
import { computeBenchmark } from './compute.mjs'
for (const row of await computeBenchmark({ folder: mkdtempSync('/tmp/b-') })) console.log(row.filter(Boolean).join(' | '))
