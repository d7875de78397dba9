import { useLayoutEffect, useRef, useState } from 'react'

/** The width of an element, in whole pixels; 0 until it is known. */
export function useWidth<E extends Element>() {
  const ref = useRef<E>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    if (!ref.current) return
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    observer.observe(ref.current)
    setWidth(Math.floor(ref.current.getBoundingClientRect().width))
    return () => observer.disconnect()
  }, [])
  return [ref, width] as const
}
