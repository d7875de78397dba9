import { memo, useLayoutEffect, useRef, useState } from 'react'
import { useLightbox } from '../context'
import type { Photo } from '../lib/schema'
import { UNTITLED } from './titleOf'

interface Props {
  photo: Photo
  index: number
  /** Of how many; -1 while that is not known. */
  count: number
  left: number
  top: number
  width: number
  height: number
}

export const Tile = memo(function Tile({ photo, index, count, ...place }: Props) {
  const { photos } = useLightbox()
  const { ref, shown, show } = useShown(photo.thumbnailUrl)
  return (
    <li style={{ ...place, backgroundColor: photo.colour }} aria-posinset={index + 1} aria-setsize={count}>
      <a href={`#/p/${photo.photoId}`} data-index={index}>
        <img
          ref={ref}
          src={photo.thumbnailUrl}
          alt=""
          width={photo.width}
          height={photo.height}
          decoding="async"
          data-shown={shown}
          onLoad={show}
          onError={() => photos.forget(photo.photoId)}
        />
        <span className="tile-words">
          <b>{photo.caption || UNTITLED}</b>
          <span>
            <span className="unseen">by </span>
            {photo.user}
          </span>
        </span>
      </a>
    </li>
  )
})

/** A picture that is there already is shown at once; one that has to be fetched fades in. */
function useShown(address: string) {
  const ref = useRef<HTMLImageElement>(null)
  const [shown, setShown] = useState(false)
  useLayoutEffect(() => {
    if (ref.current?.complete && ref.current.naturalWidth > 0) setShown(true)
  }, [address])
  return { ref, shown, show: () => setShown(true) }
}
