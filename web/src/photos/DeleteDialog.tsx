import { useMutation } from '@tanstack/react-query'
import { useLightbox, useSituation } from '../context'
import { isFence, isMissing } from '../lib/errors'
import type { Photo } from '../lib/schema'
import { Dialog, firstFocus } from '../ui/Dialog'
import type { PhotoPages } from './usePhotos'

interface Props {
  photo: Photo
  onClose(): void
  onDeleted(): void
}

export function DeleteDialog({ photo, onClose, onDeleted }: Props) {
  const { writable } = useSituation()
  const remove = useDelete(photo.photoId, onDeleted)
  return (
    <Dialog label="Delete this photograph?" className="sheet small-sheet" onClose={onClose}>
      <h2 className="display">Delete this photograph?</h2>
      <p className="muted">It is deleted in both regions, and its comments with it. This cannot be undone.</p>
      <p role="alert" className="error">
        {remove.error ? failureWords(remove.error) : ''}
      </p>
      <div className="sheet-foot">
        <button className="button" ref={firstFocus} onClick={onClose}>
          Cancel
        </button>
        <button className="button danger" disabled={!writable || remove.isPending} onClick={() => remove.mutate()}>
          {remove.isPending ? 'Deleting…' : 'Delete photograph'}
        </button>
      </div>
    </Dialog>
  )
}

function useDelete(photoId: string, onDeleted: () => void) {
  const { here, queries, connection, drafts } = useLightbox()
  return useMutation({
    // Already gone is what was asked for: an earlier attempt whose answer was lost, or somebody else.
    mutationFn: () =>
      here.api.deletePhoto(photoId).catch(error => {
        if (!isMissing(error)) throw error
      }),
    onSuccess: () => {
      drafts.write(photoId, '')
      queries.setQueryData<PhotoPages>(['photos'], list => list && without(list, photoId))
      void queries.invalidateQueries({ queryKey: ['photos'] })
      onDeleted()
    },
    onError: error => {
      if (isFence(error)) connection.adopt(error.state)
    },
  })
}

const without = (list: PhotoPages, photoId: string): PhotoPages => ({
  ...list,
  pages: list.pages.map(page => ({ ...page, photos: page.photos.filter(photo => photo.photoId !== photoId) })),
})

const failureWords = (error: Error) =>
  isFence(error) ? 'Writing was paused just now, so nothing was deleted.' : error.message
