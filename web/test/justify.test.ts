import { describe, expect, it } from 'vitest'
import { justify, type Box } from '../src/photos/justify'

const GAP = 10
const WANTED = 280

function rowsOf(boxes: Box[]): Box[][] {
  const rows: Box[][] = []
  for (const box of boxes) {
    const row = rows.at(-1)
    if (
      row &&
      row[0]!.height === box.height &&
      row.reduce((sum, { width }) => sum + width + GAP, 0) + box.width <= 1_200.01
    )
      row.push(box)
    else rows.push([box])
  }
  return rows
}

const widthOf = (row: Box[]) => row.reduce((sum, { width }) => sum + width, 0) + GAP * (row.length - 1)

/** Always the same, and as uneven as photographs are. */
const ratios = Array.from({ length: 60 }, (_, i) => 0.5 + ((i * 7919) % 97) / 45)

describe('justified rows', () => {
  const rows = rowsOf(justify(ratios, 1_200, GAP, WANTED))

  it('fill the width exactly, except the last', () => {
    for (const row of rows.slice(0, -1)) expect(widthOf(row)).toBeCloseTo(1_200, 6)
    expect(widthOf(rows.at(-1)!)).toBeLessThanOrEqual(1_200.01)
  })

  it('keep near the wanted height', () => {
    for (const row of rows) {
      expect(row[0]!.height).toBeGreaterThan(WANTED * 0.6)
      expect(row[0]!.height).toBeLessThan(WANTED * 1.5)
    }
  })

  it('keep every photograph, in order, in its own shape', () => {
    const shapes = justify(ratios, 1_200, GAP, WANTED).map(({ width, height }) => width / height)
    expect(shapes).toHaveLength(ratios.length)
    shapes.forEach((shape, i) => expect(shape).toBeCloseTo(ratios[i]!, 6))
  })

  it('do not blow up a single photograph', () => {
    expect(justify([1], 1_200, GAP, WANTED)).toEqual([{ width: WANTED, height: WANTED }])
  })

  it('have nothing to do without photographs', () => {
    expect(justify([], 1_200, GAP, WANTED)).toEqual([])
  })
})
