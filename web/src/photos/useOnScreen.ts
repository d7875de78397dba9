import { useEffect, useRef } from 'react'

/**
 * Calls back when the element comes near the visible part of its scroller, and whenever `ready` becomes true while it is
 * there: coming into view is told only once, and may fall into a time when nothing can be done about it.
 */
export function useOnScreen<E extends Element>(callback: () => void, ready: boolean, margin: string) {
  const ref = useRef<E>(null)
  const latest = useRef(callback)
  useEffect(() => {
    latest.current = callback
  })
  useEffect(() => {
    if (!ref.current || !ready) return
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), {
      rootMargin: margin,
    })
    observer.observe(ref.current)
    return () => observer.disconnect()
  }, [ready, margin])
  return ref
}
