import { useLayoutEffect, useState, type RefObject } from 'react'
import { rowsWithin, type Layout, type Span } from './layout'

const NONE: Span = { from: 0, to: 0 }

/** The rows to draw: those on the screen and a screenful before and behind. Changes only when the reader nears their edge. */
export function useVisibleRows(ref: RefObject<Element | null>, layout: Layout): Span {
  const [span, setSpan] = useState(NONE)
  useLayoutEffect(() => {
    const settle = () => {
      if (!ref.current) return
      const top = -ref.current.getBoundingClientRect().top
      const near = (screens: number) =>
        rowsWithin(layout, top - screens * innerHeight, top + (1 + screens) * innerHeight)
      const needed = near(0.4)
      setSpan(drawn => (drawn.from <= needed.from && drawn.to >= needed.to ? drawn : near(1)))
    }
    const stop = new AbortController()
    const options = { passive: true, signal: stop.signal }
    addEventListener('scroll', settle, options)
    addEventListener('resize', settle, options)
    settle()
    return () => stop.abort()
  }, [ref, layout])
  return { from: Math.min(span.from, layout.rows.length), to: Math.min(span.to, layout.rows.length) }
}
