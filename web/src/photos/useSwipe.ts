import { useRef, useState, type PointerEvent } from 'react'
import type { Steps } from './Viewer'

/** A finger that goes this far to a side means the neighbour; less, or more up and down than sideways, means nothing. */
const FAR_PX = 56

/** Left and right with a finger or a pen. What moves up and down scrolls, and two fingers zoom: that is the browser's. */
export function useSwipe(steps: Steps) {
  const start = useRef<{ id: number; x: number; y: number }>(null)
  const [moved, setMoved] = useState(0)

  const begin = (event: PointerEvent) => {
    if (event.pointerType === 'mouse') return
    start.current = event.isPrimary ? { id: event.pointerId, x: event.clientX, y: event.clientY } : null
  }
  const move = (event: PointerEvent) => {
    if (start.current?.id === event.pointerId) setMoved(event.clientX - start.current.x)
  }
  const end = (event: PointerEvent) => {
    const { current } = start
    start.current = null
    setMoved(0)
    if (current?.id !== event.pointerId || event.type === 'pointercancel') return
    const [x, y] = [event.clientX - current.x, event.clientY - current.y]
    if (Math.abs(x) < FAR_PX || Math.abs(x) < Math.abs(y)) return
    const step = x < 0 ? steps.next : steps.previous
    step?.()
  }
  const handlers = { onPointerDown: begin, onPointerMove: move, onPointerUp: end, onPointerCancel: end }
  return { moved, handlers }
}
