/** The photographs in justified rows. Sizes and colours come with the list, so nothing moves when a picture arrives. */
import { memo, useMemo, useState } from 'react'
import { useLightbox } from '../context'
import type { Photo } from '../lib/schema'
import { justify, type Box } from './justify'
import { UNTITLED } from './titleOf'
import { useWidth } from './useWidth'

const GAP = 10
const NARROW = 700
const HEIGHT = { narrow: 170, wide: 290 }
const EAGER = 10

export function Rows({ photos }: { photos: readonly Photo[] }) {
  const [ref, width] = useWidth<HTMLUListElement>()
  const boxes = useMemo(() => layOut(photos, width), [photos, width])
  return (
    <ul className="rows" aria-label="Gallery" ref={ref}>
      {boxes.length > 0 &&
        photos.map((photo, i) => <Tile key={photo.photoId} photo={photo} box={boxes[i]!} eager={i < EAGER} />)}
    </ul>
  )
}

function layOut(photos: readonly Photo[], width: number): Box[] {
  if (width === 0) return []
  const wanted = width < NARROW ? HEIGHT.narrow : HEIGHT.wide
  // A panorama may be as wide as three squares, and a tower as narrow as half of one: beyond, it is cropped.
  const ratios = photos.map(photo => Math.min(3, Math.max(0.5, photo.width / photo.height)))
  return justify(ratios, width, width < NARROW ? GAP / 2 : GAP, wanted)
}

interface TileProps {
  photo: Photo
  box: Box
  eager: boolean
}

const Tile = memo(function Tile({ photo, box, eager }: TileProps) {
  const { urls } = useLightbox()
  const [shown, setShown] = useState(false)
  return (
    <li style={{ width: box.width, height: box.height, backgroundColor: photo.colour }}>
      <a href={`#/p/${photo.photoId}`}>
        <img
          src={photo.thumbnailUrl}
          alt=""
          width={photo.width}
          height={photo.height}
          loading={eager ? 'eager' : 'lazy'}
          decoding="async"
          data-shown={shown}
          onLoad={() => setShown(true)}
          onError={() => urls.forget(photo.photoId)}
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
