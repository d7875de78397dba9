/** What was said about one photograph, oldest first, page after page; and saying something. */
import { skipToken, useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useLightbox } from '../context'
import { isFence } from '../lib/errors'
import type { Lightbox } from '../lib/lightbox'
import type { Comment } from '../lib/schema'

const REFRESH_MS = 15_000

const keyOf = (photoId: string) => ['comments', photoId]
/** Comments posted from this page: shown at the end until the page of the list that has them is loaded. */
const postedKeyOf = (photoId: string) => ['posted', photoId]

export function useComments(photoId: string) {
  const lightbox = useLightbox()
  const list = useInfiniteQuery({
    queryKey: keyOf(photoId),
    queryFn: ({ pageParam, signal }) => lightbox.here.api.comments(photoId, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: page => page.next,
    refetchInterval: REFRESH_MS,
  })
  const comments = useMemo(() => unique(list.data?.pages.flatMap(page => page.comments) ?? []), [list.data])
  const { data: posted = [] } = useQuery<Comment[]>({ queryKey: postedKeyOf(photoId), queryFn: skipToken })
  const own = posted.filter(mine => !comments.some(comment => comment.commentId === mine.commentId))
  return { list, comments, own }
}

/** Posts the draft. It is cleared when the comment was taken, and only then. */
export function usePost(photoId: string) {
  const lightbox = useLightbox()
  return useMutation({
    mutationFn: () => lightbox.here.api.addComment(photoId, lightbox.drafts.attempt(photoId)),
    onSuccess: comment => {
      lightbox.drafts.posted(photoId, comment.commentId)
      show(lightbox, comment)
    },
    onError: error => {
      if (isFence(error)) lightbox.connection.adopt(error.state)
    },
  })
}

function show({ queries }: Lightbox, comment: Comment): void {
  queries.setQueryData<Comment[]>(postedKeyOf(comment.photoId), (before = []) => unique([...before, comment]))
  void queries.invalidateQueries({ queryKey: keyOf(comment.photoId) })
}

const unique = (comments: readonly Comment[]): Comment[] => [
  ...new Map(comments.map(comment => [comment.commentId, comment])).values(),
]
