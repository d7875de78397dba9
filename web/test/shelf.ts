/** Photographs as a region keeps them: newest first, in pages with cursors that stay good whatever is added or deleted. */
import type { Photo, PhotoPage } from '../src/lib/schema'

export class Shelf {
  #photos: Photo[] = []
  #made = 0
  signed = 0

  constructor(
    private readonly pageSize: number,
    count: number,
  ) {
    this.add(count)
  }

  add(count: number): void {
    for (let i = 0; i < count; i++) this.#photos.unshift(this.newest())
  }

  remove(index: number): void {
    this.#photos.splice(index, 1)
  }

  ids(): string[] {
    return this.#photos.map(photo => photo.photoId)
  }

  /** What is older than the cursor, each with addresses that are signed anew. */
  page(after: string | null): PhotoPage {
    const rest = this.#photos.filter(photo => after === null || keyOf(photo) < after)
    const photos = rest.slice(0, this.pageSize)
    const last = photos.at(-1)
    this.signed++
    return {
      photos: photos.map(photo => ({ ...photo, url: `${photo.url}?${this.signed}` })),
      next: last && rest.length > this.pageSize ? keyOf(last) : null,
    }
  }

  /** Every third one is as old as the one before it: then the id decides. */
  private newest(): Photo {
    const number = this.#made++
    const second = number - (number % 3 === 2 ? 1 : 0)
    return {
      photoId: `p${String(number).padStart(6, '0')}`,
      createdAt: new Date(1_800_000_000_000 + second * 1_000).toISOString(),
      url: `http://a.test/${number}`,
    } as Photo
  }
}

const keyOf = (photo: Photo): string => `${photo.createdAt} ${photo.photoId}`
