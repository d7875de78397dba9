/** The picture on a dark ground of its own colour. Arrows stand beside it, never on it. */
import { useState } from 'react'
import { useLightbox } from '../context'
import type { Photo } from '../lib/schema'
import { LeftIcon, RightIcon } from '../ui/icons'
import { titleOf } from './titleOf'
import type { Steps } from './Viewer'

export function Stage({ photo, steps }: { photo: Photo; steps: Steps }) {
  return (
    <div className="stage" style={{ '--photo': photo.colour } as React.CSSProperties}>
      <button className="step" onClick={steps.previous} disabled={!steps.previous} aria-label="Newer photograph">
        <LeftIcon size={26} />
      </button>
      <Picture photo={photo} />
      <button className="step" onClick={steps.next} disabled={!steps.next} aria-label="Older photograph">
        <RightIcon size={26} />
      </button>
    </div>
  )
}

/** The thumbnail is most likely there already: it stands in until the large one has been decoded. */
function Picture({ photo }: { photo: Photo }) {
  const { urls } = useLightbox()
  const [shown, setShown] = useState(false)
  const size = { '--w': photo.width, '--h': photo.height } as React.CSSProperties
  return (
    <div className="picture" style={size}>
      <img className="picture-small" src={photo.thumbnailUrl} alt="" aria-hidden="true" />
      <img
        src={photo.url}
        alt={titleOf(photo)}
        width={photo.width}
        height={photo.height}
        decoding="async"
        data-shown={shown}
        onLoad={() => setShown(true)}
        onError={() => urls.forget(photo.photoId)}
      />
    </div>
  )
}
