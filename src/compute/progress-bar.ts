import type { OnProgress, Progress } from '../plan/progress.js'

/** Options of a progress bar. */
export interface ProgressBarOptions {
  /** What stands before the bar. @default nothing */
  readonly label?: string
  /** Where it is drawn, when that is a terminal. @default process.stderr */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
}

const width = 24

/**
 * A listener for `onProgress` that draws a bar in the terminal. Where there is none (a log file, a test, CI), it does
 * nothing.
 *
 * @example
 * ```ts
 * import { Pixeltable, progressBar, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const notes = await pxt.createTable('notes', { text: t.string() })
 * await notes.insert([{ text: 'hello' }], { onProgress: progressBar({ label: 'notes' }) })
 * ```
 */
export function progressBar({ label, stream = process.stderr }: ProgressBarOptions = {}): OnProgress {
  if (!stream.isTTY) return () => {}
  return (progress) => {
    const line = [label, drawn(progress)].filter(Boolean).join(' ')
    stream.write(`\r\x1b[2K${line.slice(0, Math.max(1, (stream.columns ?? 80) - 1))}${progress.done ? '\n' : ''}`)
  }
}

function drawn({ rows, total, cells, failed, elapsed, rate, remaining, done }: Progress): string {
  const part = done ? 1 : remaining === undefined ? undefined : elapsed / (elapsed + remaining)
  const filled = part === undefined ? 0 : Math.round(part * width)
  const bar = part === undefined ? '' : `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${Math.floor(part * 100)}%`
  return [
    bar,
    `${rows}${total === undefined ? '' : `/${total}`} rows`,
    cells > 0 ? `${cells} cells` : '',
    failed > 0 ? `${failed} failed` : '',
    `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`,
    done ? seconds(elapsed) : remaining === undefined ? '' : `${seconds(remaining)} left`,
  ]
    .filter(Boolean)
    .join('  ')
}

function seconds(ms: number): string {
  const s = Math.round(ms / 1000)
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m${s % 60}s`
  return `${Math.floor(s / 3600)}h${Math.floor((s % 3600) / 60)}m`
}
