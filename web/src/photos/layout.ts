/** Where every photograph is, and which of them are near the part of the page that is seen: pure. */
import { justify, type Box } from './justify'

export interface Row {
  top: number
  height: number
  /** Its photographs, as indices: from the first to before the last. */
  from: number
  to: number
}

export interface Layout {
  boxes: readonly Box[]
  /** The left edge of each box. */
  lefts: readonly number[]
  rows: readonly Row[]
  height: number
}

export interface Span {
  from: number
  to: number
}

const GAP = 10
const NARROW = 700
const WIDEST = 1700
const HEIGHT = { narrow: 170, wide: 290, widest: 350 }

/** A panorama may be as wide as three squares, and a tower as narrow as half of one: beyond, it is cropped. */
const ratioOf = ({ width, height }: Box) => Math.min(3, Math.max(0.5, width / height))

const heightFor = (width: number): number => (width < NARROW ? HEIGHT.narrow : width < WIDEST ? HEIGHT.wide : HEIGHT.widest)

export function layOut(sizes: readonly Box[], width: number): Layout {
  if (width === 0) return { boxes: [], lefts: [], rows: [], height: 0 }
  const gap = width < NARROW ? GAP / 2 : GAP
  const boxes = justify(sizes.map(ratioOf), width, gap, heightFor(width))
  const lefts: number[] = []
  const rows: Row[] = []
  for (const [i, box] of boxes.entries()) {
    const row = rows.at(-1)
    const left = row && row.to === i ? lefts[i - 1]! + boxes[i - 1]!.width + gap : 0
    if (row && left > 0 && left + box.width <= width + 0.5) {
      row.to = i + 1
      lefts.push(left)
    } else {
      rows.push({ top: row ? row.top + row.height + gap : 0, height: box.height, from: i, to: i + 1 })
      lefts.push(0)
    }
  }
  const last = rows.at(-1)
  return { boxes, lefts, rows, height: last ? last.top + last.height : 0 }
}

/** The rows that a part of the page touches, as indices into `rows`. */
export function rowsWithin({ rows }: Layout, top: number, bottom: number): Span {
  const from = firstRow(rows, row => row.top + row.height > top)
  return { from, to: Math.max(from, firstRow(rows, row => row.top >= bottom)) }
}

/** The first row for which it is true, by halving; it is true for all rows behind that one. */
function firstRow(rows: readonly Row[], isTrue: (row: Row) => boolean): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (isTrue(rows[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

export const rowOf = ({ rows }: Layout, index: number): number => firstRow(rows, row => row.to > index)

/** The photograph that the arrow key goes to from this one; itself at an end. */
export function neighbour(layout: Layout, index: number, key: string): number {
  const last = layout.boxes.length - 1
  if (key === 'ArrowLeft') return Math.max(0, index - 1)
  if (key === 'ArrowRight') return Math.min(last, index + 1)
  if (key === 'Home') return 0
  if (key === 'End') return last
  const row = layout.rows[rowOf(layout, index) + (key === 'ArrowUp' ? -1 : 1)]
  return row ? nearest(layout, row, layout.lefts[index]! + layout.boxes[index]!.width / 2) : index
}

function nearest({ lefts, boxes }: Layout, { from, to }: Row, x: number): number {
  const distance = (i: number) => Math.abs(lefts[i]! + boxes[i]!.width / 2 - x)
  let best = from
  for (let i = from; i < to; i++) if (distance(i) < distance(best)) best = i
  return best
}
