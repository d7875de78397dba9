/** The gallery's list, looked at again every half minute, without what is on its way out. */
import { useMemo } from 'react'
import { useLightbox, useStore } from '../context'
import { hiddenBy } from '../lib/deletions'
import { useEvery } from '../ui/useEvery'

const LOOK_MS = 30_000
/** As long as there is nothing to show, or reading on has failed. */
const LOOK_SOON_MS = 3_000

export function usePhotos() {
  const lightbox = useLightbox()
  const shown = useStore(lightbox.photos.shown)
  const deletions = useStore(lightbox.deletions.all)
  const stuck = !shown.loaded || shown.failure !== null
  useEvery(stuck ? LOOK_SOON_MS : LOOK_MS, () => (stuck ? lightbox.photos.more() : lightbox.photos.refresh()))
  const photos = useMemo(() => {
    const hidden = hiddenBy(deletions)
    return hidden.size === 0 ? shown.photos : shown.photos.filter(photo => !hidden.has(photo.photoId))
  }, [shown.photos, deletions])
  return { ...shown, photos }
}
