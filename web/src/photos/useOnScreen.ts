import { useEffect, useRef } from 'react'

/** Calls back when the element comes near the visible part of its scroller, and again whenever `again` changes while it is there. */
export function useOnScreen<E extends Element>(callback: () => void, again: unknown, margin = '800px') {
  const ref = useRef<E>(null)
  const latest = useRef(callback)
  useEffect(() => {
    latest.current = callback
  })
  useEffect(() => {
    if (!ref.current) return
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), { rootMargin: margin })
    observer.observe(ref.current)
    return () => observer.disconnect()
  }, [again, margin])
  return ref
}
