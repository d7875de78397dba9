/** The points of a lag chart: what the region kept, what this page heard since, and gaps where nothing is known. Pure. */
import type { Report, Sample } from './types'

export type Unit = 'seconds' | 'changes' | 'bytes'

export interface Points {
  times: number[]
  values: (number | null)[]
}

export const WINDOW_SECONDS = 15 * 60
/** Longer between two samples than this, and nothing is known of the time between. */
export const GAP_SECONDS = 7

const INDEX: Record<Unit, 1 | 2 | 3> = { seconds: 1, changes: 2, bytes: 3 }

export const sampleOf = ({ lag }: Report, atMs: number): Sample => [atMs / 1000, lag.seconds, lag.changes, lag.bytes]

/**
 * What a region kept, and what this page heard of it before and after that: a region that was lost begins anew.
 * In the order of time, and only the window that ends with `now`.
 */
export function merge(kept: readonly Sample[], heard: readonly Sample[], now: number): Sample[] {
  const first = kept[0]?.[0] ?? Infinity
  const last = kept.at(-1)?.[0] ?? -Infinity
  const before = heard.filter(([at]) => at < first)
  const after = heard.filter(([at]) => at >= first && at > last)
  return [...before, ...kept, ...after].filter(([at]) => at > now - WINDOW_SECONDS)
}

export function pointsOf(samples: readonly Sample[], unit: Unit): Points {
  const points: Points = { times: [], values: [] }
  let before: number | null = null
  for (const sample of samples) {
    const [at] = sample
    if (before !== null && at - before > GAP_SECONDS) add(points, before + 1, null)
    add(points, at, sample[INDEX[unit]])
    before = at
  }
  return points
}

function add({ times, values }: Points, at: number, value: number | null): void {
  times.push(at)
  values.push(value)
}

export function highest({ values }: Points): number | null {
  const known = values.filter(value => value !== null)
  return known.length ? Math.max(...known) : null
}

/** As a person reads it; what is unknown is said to be. */
export function shown(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined) return 'unknown'
  if (unit === 'seconds') return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value).toLocaleString('en')} s`
  if (unit === 'changes') return value.toLocaleString('en')
  return size(value)
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** In a drawing that is `WINDOW_SECONDS` wide and 100 high: a line for each stretch that is known, and what is below it. */
export function pathsOf({ times, values }: Points, start: number, top: number): { line: string; area: string } {
  let line = ''
  let area = ''
  let from: number | null = null
  times.forEach((time, index) => {
    const value = values[index]
    const x = round(time - start)
    if (value === null || value === undefined) {
      from = null
      return
    }
    const y = round(100 - (100 * value) / top)
    line += `${from === null ? 'M' : 'L'}${x} ${y}`
    from ??= x
    const ends = values[index + 1] === null || values[index + 1] === undefined
    if (ends) area += `${line.slice(line.lastIndexOf('M'))}L${x} 100L${from} 100Z`
  })
  return { line, area }
}

/** A round number above everything that is drawn. */
export function scaleOf(points: Points, objective: number | null, unit: Unit): number {
  const most = Math.max(highest(points) ?? 0, (objective ?? 0) * 1.2, unit === 'bytes' ? 1_000 : 2)
  const size = 10 ** Math.floor(Math.log10(most))
  return [1, 2, 4, 6, 8, 10].map(step => step * size).find(step => step >= most) ?? most
}

/** What was known closest to a moment; null where nothing was drawn near it. */
export function nearest({ times, values }: Points, at: number): { time: number; value: number | null } | null {
  let best = -1
  times.forEach((time, index) => {
    if (best < 0 || Math.abs(time - at) < Math.abs(times[best]! - at)) best = index
  })
  const time = times[best]
  return time === undefined || Math.abs(time - at) > GAP_SECONDS ? null : { time, value: values[best] ?? null }
}

const round = (value: number) => Math.round(value * 10) / 10

const MINUTES = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const SECONDS = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

export const clock = (seconds: number, exact = false): string => (exact ? SECONDS : MINUTES).format(seconds * 1000)
