/** What was said about one photograph, followed while it is looked at; and saying something. */
import { useEffect } from 'react'
import { useLightbox, useSituation, useStore } from '../context'
import { isFence } from '../lib/errors'
import { useCall } from '../ui/useCall'
import { useEvery } from '../ui/useEvery'

const LOOK_MS = 3_000

export function useComments(photoId: string) {
  const { threads } = useLightbox()
  const { region } = useSituation()
  const thread = threads.of(photoId)
  const said = useStore(thread.said)
  useEvery(LOOK_MS, () => thread.look())
  useEffect(() => void thread.look(), [thread, region])
  return { ...said, more: () => void thread.more() }
}

/** Posts the draft. It is cleared when the comment was taken, and only then. */
export function usePost(photoId: string) {
  const lightbox = useLightbox()
  const { run, ...call } = useCall()
  const post = async () => {
    const { here, drafts, threads, connection } = lightbox // "here" at this moment
    try {
      const comment = await here.api.addComment(photoId, drafts.attempt(photoId))
      drafts.posted(photoId, comment.commentId)
      threads.of(photoId).posted(comment)
    } catch (error) {
      if (isFence(error)) connection.adopt(error.state)
      throw error
    }
  }
  return { ...call, post: () => void run(post) }
}
