import { writeFileSync } from 'node:fs'
import { functionsPage } from './functions-page.js'

/** Writes docs/functions.md from the operators' own words. A test fails while it is out of date. */
writeFileSync(new URL('../docs/functions.md', import.meta.url), functionsPage())
