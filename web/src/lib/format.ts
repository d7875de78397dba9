/** Numbers and times as people read them. */

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const ABSOLUTE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short' })

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

export function ago(iso: string, nowMs = Date.now()): string {
  const seconds = (Date.parse(iso) - nowMs) / 1_000
  const found = UNITS.find(([, size]) => Math.abs(seconds) >= size)
  return found ? RELATIVE.format(Math.round(seconds / found[1]), found[0]) : 'just now'
}

export const longDate = (iso: string): string => ABSOLUTE.format(Date.parse(iso))

export function bytes(count: number): string {
  if (count < 1_024) return `${count} bytes`
  if (count < 1_024 ** 2) return `${Math.round(count / 1_024)} kB`
  return `${(count / 1_024 ** 2).toFixed(1).replace('.0', '')} MB`
}

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`

export const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
