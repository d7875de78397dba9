import type { Photo } from '../lib/schema'

export const UNTITLED = 'Untitled'

/** For those who do not see it. */
export const titleOf = (photo: Photo): string =>
  photo.caption ? `${photo.caption}, by ${photo.user}` : `Photograph by ${photo.user}`
