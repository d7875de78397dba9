/**
 * The photographs that have been listed so far, newest first, in the pieces in which they were read: pure, so that every
 * way in which a list can change under a reader can be tested. A piece can be read again by itself, wherever it is.
 */
import type { Photo, PhotoPage } from './schema'

export interface Segment {
  /** The cursor that it was read with; null for the newest. */
  readonly after: string | null
  readonly photos: readonly Photo[]
  /** There may be photographs before the first one here that have not been read. */
  readonly gap: boolean
}

export interface Listing {
  readonly segments: readonly Segment[]
  /** Where to go on; null when the end has been read. */
  readonly next: string | null
}

export const NOTHING: Listing = { segments: [], next: null }

export const appended = ({ segments, next }: Listing, page: PhotoPage): Listing => ({
  segments: [...segments, { after: next, photos: page.photos, gap: false }],
  next: page.next,
})

/** A segment read again: what is missing from the page was deleted, and what is older than the page moves on. */
export function reread(listing: Listing, at: number, page: PhotoPage): Listing {
  const segment = listing.segments[at]
  if (!segment) return listing
  const before = listing.segments.slice(0, at)
  const now = { after: segment.after, photos: page.photos, gap: false }
  const last = page.photos.at(-1)
  if (page.next === null || !last) return { segments: [...before, now], next: null }
  const tail = segment.photos.filter(photo => isOlder(photo, last))
  const known = new Set(segment.photos.map(photo => photo.photoId))
  const gap = !page.photos.some(photo => known.has(photo.photoId))
  const after = movedOn(tail, page.next, gap, listing.segments.slice(at + 1))
  return { segments: [...before, now, ...after], next: listing.next }
}

/** The photographs that no longer fit go to the front of the next segment, which begins where the page ended. */
function movedOn(tail: readonly Photo[], after: string, gap: boolean, rest: readonly Segment[]): readonly Segment[] {
  const [first, ...others] = rest
  if (tail.length === 0) return rest
  if (!first) return [{ after, photos: tail, gap }]
  return [{ after, photos: [...tail, ...first.photos], gap: gap || first.gap }, ...others]
}

const isOlder = (photo: Photo, than: Photo): boolean =>
  photo.createdAt < than.createdAt || (photo.createdAt === than.createdAt && photo.photoId < than.photoId)

/** Every photograph once: after deletions a page reaches into the segment behind its own. */
export const photosOf = ({ segments }: Listing): Photo[] => [
  ...new Map(segments.flatMap(({ photos }) => photos.map(photo => [photo.photoId, photo] as const))).values(),
]

export const segmentOf = ({ segments }: Listing, photoId: string): number =>
  segments.findIndex(({ photos }) => photos.some(photo => photo.photoId === photoId))

export const without = (listing: Listing, photoId: string): Listing => ({
  ...listing,
  segments: listing.segments.map(segment => ({
    ...segment,
    photos: segment.photos.filter(photo => photo.photoId !== photoId),
  })),
})
