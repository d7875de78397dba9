/**
 * Types of the region's HTTP API.
 * Generated from src/multiregion/{api,gallery}/openapi.json by `npm run types`: do not edit.
 */

/** The guide's application states; case-sensitive. */
export type State = "active" | "failover" | "fenced"

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

export interface Health {
  status: "ok"
}

/** Whether a region can do its work, and if not why */
export interface Readiness {
  ready: boolean
  reasons: string[]
  /** The command without which this region does not become ready, or nothing is decided */
  needs: string | null
  region: string
  role: Role
  /** null where the database is damaged */
  epoch: number | null
  lag: Lag
  /** null where an engine keeps the data */
  writing: Writing | null
  /** The database is damaged, and serves nothing */
  damaged?: boolean
}

/** How writing to a disk goes */
export interface Writing {
  condition: "failing" | "slow" | "stuck" | "well"
  problem: string | null
  /** For how long there has been a problem */
  seconds: number
  since: string | null
  /** How long the last successful write took */
  lastWriteSeconds: number | null
}

/** How far a region is behind the other. null, None: unknown, which is never zero. */
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

/** What a region says of itself. null: not known, or not kept here */
export interface RegionStatus {
  ready: boolean
  reasons: string[]
  /** The command without which this region does not become ready, or nothing is decided */
  needs: string | null
  region: string
  role: Role
  epoch: number
  lag: Lag
  /** null where an engine keeps the data */
  writing: Writing | null
  /** The database is damaged, and serves nothing */
  damaged?: boolean
  state: State
  writes: boolean
  logEpoch: number
  sequence: number | null
  chain: string | null
  history: string
  content: string
  /** Whether the other region's changes arrive; null: engines do it by themselves */
  replicating: boolean | null
  missing: Missing | null
  /** On their way into this region, by the application's name; null: not known */
  uploadsInFlight: Record<string, number> | null
  /** How many there are of each kind, by the application's names */
  counts: Record<string, number>
  objects: Objects | null
  /** Lost writes to decide about */
  losses: number
  durability: string
  /** Since when writes are acknowledged without the other region */
  degradedSince: string | null
  /** How long this region may still write; null in manual mode */
  leaseSeconds: number | null
}

/** What a region is to the other one; it does not change when writing moves. */
export type Role = "primary" | "secondary"

/** What a region does not have of the other, as far as it has heard */
export interface Missing {
  changes: number
  bytes: number
  seconds: number | null
  credentials: CredentialNamed[]
  /** On their way into the other region, by the application's name; null: not known */
  uploadsInFlight: Record<string, number> | null
}

/** A change of who may sign in */
export interface CredentialNamed {
  what: string
  user: string
}

/** How the objects of a region are: what the scrub has read, and what could not be repaired */
export interface Objects {
  scrubbedAt: string | null
  scrubbedObjects: number
  scrubbedBytes: number
  repaired: number
  unrepaired: number
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
