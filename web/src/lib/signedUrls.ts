/**
 * Each listing signs the addresses of its photographs anew. Taking every new one would load every picture again,
 * so a photograph is kept as it is while its addresses are good, and replaced well before they run out.
 */
import type { Photo } from './schema'

const KEEP_MS = 40 * 60_000
/** An address that does not load is replaced, but not over and over. */
const FORGET_MS = 60_000

interface Kept {
  photo: Photo
  region: string
  sinceMs: number
  broken: boolean
}

export class SignedUrls {
  readonly #kept = new Map<string, Kept>()

  settle(photos: readonly Photo[], region: string, nowMs: number): Photo[] {
    return photos.map(photo => this.keep(photo, region, nowMs))
  }

  isGood(photoId: string, region: string, nowMs: number): boolean {
    const kept = this.#kept.get(photoId)
    if (!kept || kept.region !== region) return false
    const ageMs = nowMs - kept.sinceMs
    return ageMs < (kept.broken ? FORGET_MS : KEEP_MS)
  }

  /** An address did not load: after a while the next listing's is taken. */
  forget(photoId: string): void {
    const kept = this.#kept.get(photoId)
    if (kept) kept.broken = true
  }

  clear(): void {
    this.#kept.clear()
  }

  private keep(photo: Photo, region: string, nowMs: number): Photo {
    if (this.isGood(photo.photoId, region, nowMs)) return this.#kept.get(photo.photoId)!.photo
    this.#kept.set(photo.photoId, { photo, region, sinceMs: nowMs, broken: false })
    return photo
  }
}
