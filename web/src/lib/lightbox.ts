/** The parts of the app that are not on the screen, joined: connection, sessions, what is shown, and what is being written. */
import { Api } from './api'
import { createAuth, isSessionKey, type Auth, type User } from './auth'
import { regionConfig, type AuthConfig, type RegionConfig, type UiConfig } from './config'
import type { Connection } from './connection'
import { Deletions } from './deletions'
import { Drafts } from './drafts'
import { noticeOf } from './notice'
import { pause, within } from './pause'
import { PhotoList } from './photoList'
import { postForm } from './postForm'
import { Store } from './store'
import { Threads } from './thread'
import { isPending, Uploads } from './uploads'
import { isWritable, type View } from './view'

export interface Session {
  /** Undefined until it is known; null when nobody is signed in. */
  user: User | null | undefined
  /** True when somebody was signed in, and no longer is, without having asked for it. */
  ended: boolean
}

interface Region {
  auth: Auth
  api: Api
}

const SESSION_RETRY_MS = 2_000
const LAST_WRITES_MS = 3_000

export class Lightbox {
  readonly drafts = new Drafts()
  readonly photos: PhotoList
  readonly threads = new Threads((...wanted) => this.here.api.comments(...wanted))
  readonly deletions: Deletions
  readonly session = new Store<Session>({ user: undefined, ended: false })
  readonly uploads: Uploads
  readonly #regions = new Map<string, Region>()
  #last: View
  #moving = false
  /** Whose drafts and files these are. */
  #owner: string | null = null

  constructor(
    readonly connection: Connection,
    private readonly authOf: (config: AuthConfig) => Auth = createAuth,
  ) {
    this.#last = connection.view.get()
    this.uploads = new Uploads({
      api: () => this.here.api,
      prepare: async file => (await import('./image')).prepare(file, this.config.limits.photoBytes),
      post: postForm,
      preview: { create: blob => URL.createObjectURL(blob), revoke: url => URL.revokeObjectURL(url) },
      onFence: state => this.connection.adopt(state),
      onUnreachable: () => void this.connection.check(),
      onDone: () => void this.photos.refresh(),
    })
    this.photos = new PhotoList({
      read: (after, signal) => this.here.api.photos(after, signal),
      region: () => this.bound,
      now: () => Date.now(),
    })
    this.deletions = new Deletions({
      send: photoId => this.here.api.deletePhoto(photoId),
      isWritable: () => isWritable(this.connection.view.get()),
      onDone: photoId => this.deleted(photoId),
      onFence: state => this.connection.adopt(state),
      storage: localStorage,
      after,
    })
  }

  get config(): UiConfig {
    return this.connection.config
  }

  /** The region that the page is bound to at this moment; never kept, because it may be another one after any wait. */
  get here(): Region {
    return this.region(this.bound)
  }

  private get bound(): string {
    return this.connection.view.get().bound ?? this.config.primary
  }

  start(): void {
    document.title = this.config.name
    this.connection.view.subscribe(() => this.viewChanged())
    for (const store of [this.connection.view, this.drafts.all, this.uploads.items])
      store.subscribe(() => this.moveIfIdle())
    document.addEventListener('visibilitychange', () => this.visibilityChanged())
    addEventListener('online', () => void this.connection.check())
    addEventListener('storage', ({ key, newValue }) => {
      this.storageChanged(key)
      this.deletions.storageChanged(key, newValue)
    })
    this.visibilityChanged()
    void this.readSession()
  }

  async signOut(): Promise<void> {
    await within(LAST_WRITES_MS, this.deletions.sendAll()).catch(() => {})
    await this.here.auth.signOut()
    this.forgetOwner()
    this.session.set({ user: null, ended: false })
    this.goHome()
  }

  /** Finds out who is signed in. What was known stays until the answer is there. */
  async readSession(): Promise<void> {
    try {
      const user = await this.here.auth.user()
      if (user && this.#owner !== null && this.#owner !== user.name) this.forgetOwner()
      if (user) this.own(user.name)
      const ended = user === null && Boolean(this.session.get().user)
      this.session.set({ user, ended })
    } catch {
      // The token could not be renewed, which says nothing about who is signed in.
      await pause(SESSION_RETRY_MS)
      if (this.session.get().user === undefined) return this.readSession()
    }
  }

  private own(name: string): void {
    this.#owner = name
    this.deletions.open(`lightbox/deletion/${this.config.appId}/${name}/`)
  }

  private deleted(photoId: string): void {
    this.drafts.write(photoId, '')
    this.photos.remove(photoId)
  }

  /** What has been written, chosen and seen belongs to one user: a session that ends leaves it, another user does not get it. */
  private forgetOwner(): void {
    this.#owner = null
    this.drafts.clear()
    this.uploads.clear()
    this.deletions.close()
    this.photos.clear()
    this.threads.clear()
  }

  private region(name: string): Region {
    const known = this.#regions.get(name)
    if (known) return known
    const made = this.makeRegion(regionConfig(this.config, name))
    this.#regions.set(name, made)
    return made
  }

  private makeRegion({ apiUrl, auth: authConfig }: RegionConfig): Region {
    const auth = this.authOf(authConfig)
    const api = new Api(apiUrl, {
      token: renew => auth.idToken(renew),
      epoch: () => this.connection.view.get().document?.epoch ?? null,
      onUnreachable: () => void this.connection.check(),
      onSignedOut: () => this.session.set({ user: null, ended: true }),
    })
    return { auth, api }
  }

  private viewChanged(): void {
    const before = this.#last
    const view = this.connection.view.get()
    this.#last = view
    const rebound = view.bound !== before.bound
    const back = view.bound !== null && before.reach[view.bound] === 'down' && view.reach[view.bound] === 'up'
    if (rebound) void this.readSession()
    if (!rebound && !back) return
    this.threads.stop()
    this.photos.moved()
  }

  /** Goes where the service has moved to, but only when nobody is in the middle of something. Returning is never done unasked. */
  private moveIfIdle(): void {
    const notice = noticeOf(this.config, this.connection.view.get())
    const busy = this.drafts.any || this.uploads.items.get().some(isPending)
    if (notice?.kind !== 'moved' || !notice.move || busy || this.#moving) return
    this.#moving = true
    void this.connection.moveTo(notice.move.region).finally(() => {
      this.#moving = false
    })
  }

  /** Whoever signs in next starts where the service is. */
  private goHome(): void {
    const notice = noticeOf(this.config, this.connection.view.get())
    if (notice?.move) void this.connection.moveTo(notice.move.region)
  }

  private visibilityChanged(): void {
    if (document.hidden) this.connection.pauseFollowing()
    else this.connection.follow()
  }

  /** Another tab signed in or out. */
  private storageChanged(key: string | null): void {
    const { bound } = this.connection.view.get()
    if (bound !== null && isSessionKey(regionConfig(this.config, bound).auth, key)) void this.readSession()
  }
}

function after(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms)
  return () => clearTimeout(timer)
}
