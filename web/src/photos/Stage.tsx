/** The picture on a dark ground of its own colour. Arrows stand beside it, never on it; on a screen to touch, swipe. */
import { useState } from 'react'
import { useLightbox } from '../context'
import type { Photo } from '../lib/schema'
import { LeftIcon, RightIcon } from '../ui/icons'
import { titleOf } from './titleOf'
import { useSwipe } from './useSwipe'
import type { Steps } from './Viewer'

export function Stage({ photo, steps }: { photo: Photo; steps: Steps }) {
  const swipe = useSwipe(steps)
  return (
    <div className="stage" style={{ '--photo': photo.colour } as React.CSSProperties} {...swipe.handlers}>
      <button className="step" onClick={steps.previous} disabled={!steps.previous} aria-label="Newer photograph">
        <LeftIcon size={26} />
      </button>
      <Picture key={photo.photoId} photo={photo} moved={swipe.moved} />
      <button className="step" onClick={steps.next} disabled={!steps.next} aria-label="Older photograph">
        <RightIcon size={26} />
      </button>
    </div>
  )
}

/** The thumbnail is most likely there already: it stands in until the large one has been decoded. */
function Picture({ photo, moved }: { photo: Photo; moved: number }) {
  const { photos } = useLightbox()
  const [shown, setShown] = useState(false)
  const place = { '--w': photo.width, '--h': photo.height, '--moved': `${moved}px` } as React.CSSProperties
  return (
    <div className="picture" style={place}>
      <img className="picture-small" src={photo.thumbnailUrl} alt="" aria-hidden="true" />
      <img
        src={photo.url}
        alt={titleOf(photo)}
        width={photo.width}
        height={photo.height}
        decoding="async"
        draggable={false}
        data-shown={shown}
        onLoad={() => setShown(true)}
        onError={() => photos.forget(photo.photoId)}
      />
    </div>
  )
}
