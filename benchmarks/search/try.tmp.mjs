import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { planOf, run } from './run.mjs'

const folder = mkdtempSync(join(tmpdir(), 'try-'))
const plan = planOf({ max: Number(process.env.BENCH_MAX ?? 1e6), scale: Number(process.env.BENCH_SCALE ?? 1) })
if (process.argv[2]) {
  plan.points = plan.points.filter((p) => p.engine.includes(process.argv[2]))
  for (const r of plan.rows) r.engines = r.engines.filter((e) => e.includes(process.argv[2]))
  plan.rows = plan.rows.filter((r) => r.engines.length)
}
const results = await run(plan, folder)
writeFileSync('/tmp/h-bench/results.json', JSON.stringify([...results]))
rmSync(folder, { recursive: true })
