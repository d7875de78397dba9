/**
 * Types of the region's HTTP API.
 * Generated from src/multiregion/api/openapi.json by `npm run types`: do not edit.
 */

export type State = "active" | "fenced" | "failover"

/** What the application points to, and who may write. Ordered by `epoch` and nothing else. */
export interface StateDocument {
  appId: string
  /** The line of decisions that `epoch` counts; epochs of different histories are not compared. Absent on engines */
  history?: string
  /** The histories that this one goes on from: a state of it replaces any state of theirs */
  succeeds?: string[]
  state: State
  epoch: number
  /** The region that accepts writes at this epoch, or null */
  writer: string | null
  regions: {
    primary: string
    secondary: string
  }
}

export interface Comment {
  commentId: string
  photoId: string
  user: string
  message: string
  createdAt: string
}

export interface CommentPage {
  comments: Comment[]
  next: string | null
}

export interface NewComment {
  /** At most 2,000 characters, and not only white space; of the control characters only line breaks and tabs */
  message: string
  /** Give one to make a retry safe: the same id is the same comment */
  commentId?: string
}

export interface Photo {
  photoId: string
  user: string
  caption: string
  contentType: "image/jpeg" | "image/png" | "image/webp"
  size: number
  /** Digest of the bytes at `url` */
  sha256: string
  /** Digest of the bytes that were uploaded */
  uploadSha256: string
  width: number
  height: number
  colour: string
  createdAt: string
  /** Signed; good for an hour */
  url: string
  /** Signed; good for an hour */
  thumbnailUrl: string
}

export interface PhotoPage {
  photos: Photo[]
  next: string | null
}

export interface Thumbnail {
  contentType: "image/jpeg" | "image/png" | "image/webp"
  size: number
  sha256: string
}

export interface NewPhoto {
  contentType: "image/jpeg" | "image/png" | "image/webp"
  size: number
  sha256: string
  /** At most 500 characters */
  caption?: string
  /** Give one to make a retry safe */
  photoId?: string
  width?: number
  height?: number
  colour?: string
  thumbnail?: Thumbnail
}

/** A multipart form POST: every field in order, then the file as the part `file`. Good for a minute. */
export interface Upload {
  url: string
  fields: Record<string, string>
}

export interface Ticket {
  photoId: string
  upload: Upload
  thumbnailUpload?: Upload
}

export interface Health {
  status: "ok"
}

export interface Readiness {
  ready: boolean
  reasons: string[]
  /** The command that only an operator can give, without which this region does not become ready or nothing can be decided */
  needs: string | null
  region: string
  role: "primary" | "secondary"
  epoch: number
  lag: Lag
}

/** How far this region is behind the other; null means unknown, which is never 0 */
export interface Lag {
  seconds: number | null
  changes: number | null
  bytes: number | null
}

export interface Problem {
  type: string
  title: string
  status: number
  /** Stable; for programs */
  code: string
  /** For people */
  detail: string
  field?: string
  limit?: number
  state?: StateDocument
}
