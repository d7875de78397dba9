/** Justified rows: each row fills the width exactly, and its height stays near the wanted one. */

export interface Box {
  width: number
  height: number
}

/** One box for each ratio (width / height), in order. The last row is not stretched beyond the wanted height. */
export function justify(ratios: readonly number[], width: number, gap: number, wantedHeight: number): Box[] {
  const boxes: Box[] = []
  let row: number[] = []
  const heightOf = (items: number[]) =>
    (width - gap * (items.length - 1)) / items.reduce((sum, ratio) => sum + ratio, 0)
  const close = (height: number) => {
    for (const ratio of row) boxes.push({ width: ratio * height, height })
    row = []
  }
  for (const ratio of ratios) {
    if (row.length > 0 && isNearer(heightOf(row), heightOf([...row, ratio]), wantedHeight)) close(heightOf(row))
    row.push(ratio)
    if (heightOf(row) <= wantedHeight) close(heightOf(row))
  }
  if (row.length > 0) close(Math.min(wantedHeight, heightOf(row)))
  return boxes
}

/** Is the row better left as it is than with one more, compared by ratio: twice too high is as bad as half as high. */
const isNearer = (without: number, withOneMore: number, wanted: number): boolean =>
  withOneMore < wanted && wanted / withOneMore > without / wanted
