/**
 * Each listing signs the addresses of its photographs anew. Taking every new one would load every picture again,
 * so an address is kept while it is good, and replaced well before it runs out.
 */
import type { Photo } from './schema'

const KEEP_MS = 40 * 60_000

interface Kept {
  photo: Pick<Photo, 'url' | 'thumbnailUrl'>
  origin: string
  sinceMs: number
}

export class SignedUrls {
  readonly #kept = new Map<string, Kept>()

  settle(photos: readonly Photo[], nowMs = Date.now()): Photo[] {
    return photos.map(photo => ({ ...photo, ...this.keep(photo, nowMs) }))
  }

  /** An address did not load: the next listing's is taken. */
  forget(photoId: string): void {
    this.#kept.delete(photoId)
  }

  private keep(photo: Photo, nowMs: number): Kept['photo'] {
    const { origin } = new URL(photo.url)
    const kept = this.#kept.get(photo.photoId)
    if (kept && kept.origin === origin && nowMs - kept.sinceMs < KEEP_MS) return kept.photo
    const fresh = { url: photo.url, thumbnailUrl: photo.thumbnailUrl }
    this.#kept.set(photo.photoId, { photo: fresh, origin, sinceMs: nowMs })
    return fresh
  }
}
