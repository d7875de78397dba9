/** Files dropped anywhere on the page, or pasted. */
import { useEffect, useRef, useState } from 'react'

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false

/** True while files are being dragged over the page. */
export function useFiles(onFiles: (files: File[]) => void): boolean {
  const [dragging, setDragging] = useState(false)
  const deliver = useRef(onFiles)
  useEffect(() => {
    deliver.current = onFiles
  })

  useEffect(() => {
    const stop = new AbortController()
    const { signal } = stop
    let depth = 0 // every element that is entered and left tells of it
    const settle = (change: number) => {
      depth = Math.max(0, depth + change)
      setDragging(depth > 0)
    }
    addEventListener('dragenter', event => hasFiles(event) && settle(1), { signal })
    addEventListener('dragleave', event => hasFiles(event) && settle(-1), { signal })
    addEventListener('dragover', event => hasFiles(event) && event.preventDefault(), { signal })
    addEventListener(
      'drop',
      event => {
        if (!hasFiles(event)) return
        event.preventDefault()
        settle(-depth)
        deliver.current([...(event.dataTransfer?.files ?? [])])
      },
      { signal },
    )
    addEventListener(
      'paste',
      event => {
        const files = [...(event.clipboardData?.files ?? [])].filter(file => file.type.startsWith('image/'))
        if (files.length > 0) deliver.current(files)
      },
      { signal },
    )
    return () => stop.abort()
  }, [])

  return dragging
}
