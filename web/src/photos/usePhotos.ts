/** The gallery's list: page after page, newest first, looked at again every half minute. */
import { useInfiniteQuery, useQuery, type InfiniteData } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { useLightbox } from '../context'
import type { Photo, PhotoPage } from '../lib/schema'

const REFRESH_MS = 30_000

export type PhotoPages = InfiniteData<PhotoPage, string | null>

export function usePhotos() {
  const lightbox = useLightbox()
  const list = useInfiniteQuery({
    queryKey: ['photos'],
    queryFn: async ({ pageParam, signal }) => {
      const page = await lightbox.here.api.photos(pageParam, signal)
      return { ...page, photos: lightbox.urls.settle(page.photos) }
    },
    initialPageParam: null as string | null,
    getNextPageParam: page => page.next,
  })
  useRefresh(list.data?.pages[0])
  const photos = useMemo(() => unique(list.data?.pages.flatMap(page => page.photos) ?? []), [list.data])
  return { list, photos }
}

/** Reads only the first page; all the others are read again when that one has changed. */
function useRefresh(shown: PhotoPage | undefined): void {
  const lightbox = useLightbox()
  const newest = useQuery({
    queryKey: ['newest'],
    queryFn: ({ signal }) => lightbox.here.api.photos(null, signal),
    enabled: shown !== undefined,
    refetchInterval: REFRESH_MS,
    staleTime: REFRESH_MS,
  })
  useEffect(() => {
    if (!newest.data || !shown || newest.isFetching) return
    if (idsOf(newest.data) !== idsOf(shown)) void lightbox.queries.invalidateQueries({ queryKey: ['photos'] })
    // Compared when a new answer arrives, not when the list changes.
  }, [newest.dataUpdatedAt])
}

const idsOf = (page: PhotoPage) => page.photos.map(photo => photo.photoId).join()

/** A photograph added between two pages moves the rest along, so that the second page may repeat the end of the first. */
function unique(photos: readonly Photo[]): Photo[] {
  return [...new Map(photos.map(photo => [photo.photoId, photo])).values()]
}
