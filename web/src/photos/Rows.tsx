/**
 * The photographs in justified rows. Sizes and colours come with the list, so nothing moves when a picture arrives, and
 * only the rows near the screen are in the page, however many there are.
 */
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import { useLightbox } from '../context'
import type { Photo } from '../lib/schema'
import { layOut, neighbour, rowOf, type Layout, type Span } from './layout'
import { Tile } from './Tile'
import { useVisibleRows } from './useVisibleRows'
import { useWidth } from './useWidth'

const KEYS = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End']

interface Props {
  photos: readonly Photo[]
  /** All there are are here. */
  complete: boolean
  /** The photograph that is open over the rows. */
  open: string | undefined
}

export function Rows({ photos, complete, open }: Props) {
  const { photos: list } = useLightbox()
  const [ref, width] = useWidth<HTMLUListElement>()
  const layout = useMemo(() => layOut(photos, width), [photos, width])
  const drawn = useVisibleRows(ref, layout)
  const { focused, focus } = useFocused(ref, photos, open)
  const indices = drawnPhotos(layout, drawn, photos.findIndex(photo => photo.photoId === focused))
  useEffect(() => {
    const [first, last] = [layout.rows[drawn.from], layout.rows[drawn.to - 1]]
    if (first && last) list.look(first.from, last.to)
  })

  const step = (event: KeyboardEvent<HTMLUListElement>) => {
    const index = indexOf(event.target)
    if (index === null || !KEYS.includes(event.key) || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    focus(photos[neighbour(layout, index, event.key)]?.photoId)
  }
  return (
    <ul
      className="rows"
      aria-label="Gallery"
      ref={ref}
      style={{ height: layout.height }}
      onKeyDown={step}
      onFocus={event => focus(photos[indexOf(event.target) ?? -1]?.photoId)}
    >
      {indices.map(i => (
        <Tile
          key={photos[i]!.photoId}
          photo={photos[i]!}
          index={i}
          count={complete ? photos.length : -1}
          left={layout.lefts[i]!}
          top={layout.rows[rowOf(layout, i)]!.top}
          width={layout.boxes[i]!.width}
          height={layout.boxes[i]!.height}
        />
      ))}
    </ul>
  )
}

const indexOf = (target: EventTarget): number | null => {
  const index = (target as HTMLElement).dataset['index']
  return index === undefined ? null : Number(index)
}

/** In order; the one with the focus is among them wherever it is, so that the focus is never lost. */
function drawnPhotos({ rows }: Layout, drawn: Span, focused: number): number[] {
  const from = rows[drawn.from]?.from ?? 0
  const to = rows[drawn.to - 1]?.to ?? from
  const indices = Array.from({ length: to - from }, (_, i) => from + i)
  if (focused < 0 || focused >= (rows.at(-1)?.to ?? 0)) return indices
  if (focused < from) return [focused, ...indices]
  return focused >= to ? [...indices, focused] : indices
}

/** The photograph with the focus. When the viewer closes, that is the one that was seen last. */
function useFocused(ref: React.RefObject<HTMLElement | null>, photos: readonly Photo[], open: string | undefined) {
  const [focused, setFocused] = useState<string>()
  const wanted = useRef<string>(undefined)
  const last = useRef(open)
  useEffect(() => {
    if (open !== undefined) setFocused(open)
  }, [open])
  useEffect(() => {
    if (open === undefined && last.current !== undefined) wanted.current = last.current
    last.current = open
    if (wanted.current === undefined || open !== undefined) return
    const index = photos.findIndex(photo => photo.photoId === wanted.current)
    const link = ref.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)
    if (link && link !== document.activeElement) link.focus()
    wanted.current = undefined
  })
  const focus = (photoId: string | undefined) => {
    if (photoId === undefined) return
    wanted.current = photoId
    setFocused(photoId)
  }
  return { focused: open ?? focused, focus }
}
