import { describe, expect, it } from 'vitest'
import { layOut, neighbour, rowOf, rowsWithin } from '../src/photos/layout'

const sizes = Array.from({ length: 10_000 }, (_, i) => ({ width: 400 + ((i * 7_919) % 900), height: 600 }))
const layout = layOut(sizes, 1_200)

describe('the layout of ten thousand photographs', () => {
  it('puts each into one row, in order, side by side', () => {
    expect(layout.rows.map(row => row.from)).toEqual([0, ...layout.rows.slice(0, -1).map(row => row.to)])
    expect(layout.rows.at(-1)!.to).toBe(sizes.length)
    for (const { from, to } of layout.rows.slice(0, -1)) {
      expect(layout.lefts[from]).toBe(0)
      expect(layout.lefts[to - 1]! + layout.boxes[to - 1]!.width).toBeCloseTo(1_200)
      for (let i = from + 1; i < to; i++)
        expect(layout.lefts[i]).toBeCloseTo(layout.lefts[i - 1]! + layout.boxes[i - 1]!.width + 10)
    }
  })

  it('puts rows under each other', () => {
    for (const [i, row] of layout.rows.slice(1).entries())
      expect(row.top).toBeCloseTo(layout.rows[i]!.top + layout.rows[i]!.height + 10)
    const last = layout.rows.at(-1)!
    expect(layout.height).toBe(last.top + last.height)
  })

  it('finds the few rows that are seen', () => {
    const { from, to } = rowsWithin(layout, 50_000, 50_800)
    const seen = layout.rows.filter(row => row.top < 50_800 && row.top + row.height > 50_000)
    expect(layout.rows.slice(from, to)).toEqual(seen)
    expect(seen.length).toBeLessThan(6)
    expect(rowsWithin(layout, -900, -100)).toEqual({ from: 0, to: 0 })
    expect(rowsWithin(layout, layout.height + 1, layout.height + 900)).toMatchObject({ to: layout.rows.length })
  })

  it('finds the row of each', () => {
    for (const i of [0, 1, 4_321, 9_999]) {
      const row = layout.rows[rowOf(layout, i)]!
      expect(row.from <= i && i < row.to).toBe(true)
    }
  })

  it('is nothing before there is room', () => expect(layOut(sizes, 0)).toMatchObject({ rows: [], height: 0 }))
})

describe('arrow keys', () => {
  const go = (index: number, key: string) => neighbour(layout, index, key)

  it('go to the neighbours, and stay at the ends', () => {
    expect([go(5, 'ArrowLeft'), go(5, 'ArrowRight'), go(5, 'Home'), go(5, 'End')]).toEqual([4, 6, 0, 9_999])
    expect([go(0, 'ArrowLeft'), go(9_999, 'ArrowRight'), go(0, 'ArrowUp'), go(9_999, 'ArrowDown')]).toEqual([
      0, 9_999, 0, 9_999,
    ])
  })

  it('go down and up to the one that is nearest', () => {
    const { from, to } = layout.rows[7]!
    expect(go(from, 'ArrowDown')).toBe(layout.rows[8]!.from)
    expect(go(to - 1, 'ArrowDown')).toBe(layout.rows[8]!.to - 1)
    expect(rowOf(layout, go(from + 1, 'ArrowUp'))).toBe(6)
  })
})
