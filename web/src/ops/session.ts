/** Who operates: a user of the group operators, by a session that either region gave, or whoever holds the operator token. */
import { createAuth, isOperator, type Auth, type SignInStep } from '../lib/auth'
import { regionConfig, type UiConfig } from '../lib/config'
import { Store } from '../lib/store'

export interface Operator {
  name: string
  /** False for a user who is in no group of operators. */
  allowed: boolean
  byToken: boolean
}

export class OpsSession {
  /** Undefined until it is known; null when nobody is signed in. */
  readonly who = new Store<Operator | null | undefined>(undefined)
  /** True when somebody was signed in, and no longer is, without having asked for it. */
  readonly ended = new Store(false)
  #operatorToken: string | null = null
  readonly #auths: readonly Auth[]

  constructor(config: UiConfig, authOf: (config: Parameters<typeof createAuth>[0]) => Auth = createAuth) {
    this.#auths = [config.primary, config.secondary].map(name => authOf(regionConfig(config, name).auth))
  }

  /** A session that the gallery began counts here too. A region that does not answer says nothing about it. */
  async resume(): Promise<void> {
    for (const auth of this.#auths) {
      const user = await auth.user().catch(() => null)
      if (user) return this.who.set({ name: user.name, allowed: isOperator(user), byToken: false })
    }
    this.who.set(null)
  }

  /** Tries the primary, then the secondary. Rejects with the refusal of the first that answers. */
  async signIn(name: string, password: string): Promise<SignInStep> {
    let failure: unknown
    for (const auth of this.#auths) {
      try {
        const step = await auth.signIn(name, password)
        if (step === 'done') await this.resume()
        return step
      } catch (error) {
        failure = error
        if (!isSilence(error)) break
      }
    }
    throw failure
  }

  /** Kept in this page's memory alone: it is gone with the page. */
  useOperatorToken(token: string): void {
    this.#operatorToken = token
    this.who.set({ name: 'operator token', allowed: true, byToken: true })
  }

  async token(renew: boolean): Promise<string | null> {
    if (this.#operatorToken !== null) return renew ? null : this.#operatorToken
    let failure: unknown = null
    for (const auth of this.#auths) {
      try {
        const token = await auth.idToken(renew)
        if (token !== null) return token
      } catch (error) {
        failure = error
      }
    }
    if (failure !== null) throw failure
    return null
  }

  async signOut(): Promise<void> {
    const wasToken = this.#operatorToken !== null
    this.#operatorToken = null
    this.ended.set(false)
    this.who.set(null)
    if (!wasToken) await this.#auths[0]?.signOut()
  }

  end(): void {
    this.#operatorToken = null
    this.ended.set(Boolean(this.who.get()))
    this.who.set(null)
  }
}

const SILENCES = ['TimedOut', 'NetworkError', 'TypeError', 'UnknownError']

export const isSilence = (error: unknown): boolean => error instanceof Error && SILENCES.includes(error.name)
