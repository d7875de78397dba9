/** Sign-in with Amplify. Everything that is particular to Cognito stays in this file. */
import { ConsoleLogger, createAmplifyContext, defaultStorage } from '@aws-amplify/core'
import { createUserPoolsTokenProvider } from 'aws-amplify/adapter-core'
import {
  confirmResetPassword,
  confirmSignIn,
  fetchAuthSession,
  fetchUserAttributes,
  resetPassword,
  signIn,
  signOut,
  updatePassword,
  updateUserAttributes,
} from 'aws-amplify/auth'
import type { AuthConfig } from './config'
import { within } from './pause'

export interface User {
  name: string
  groups: readonly string[]
}

export type SignInStep = 'done' | 'new-password' | 'reset-required'

/** What users may change about themselves. */
export interface Profile {
  email: string
  phone: string
}

export interface Auth {
  signIn(name: string, password: string): Promise<SignInStep>
  /** Answers the temporary password with one of the user's own. */
  newPassword(name: string, temporary: string, password: string): Promise<SignInStep>
  signOut(): Promise<void>
  /** Ends every session of the user, in both regions. Unlike `signOut` it fails if the region cannot be told. */
  signOutEverywhere(): Promise<void>
  /** Has a code sent; resolves to where it went, in words. */
  forgot(name: string): Promise<string>
  resetPassword(name: string, code: string, password: string): Promise<void>
  changePassword(old: string, password: string): Promise<void>
  profile(): Promise<Profile>
  changeProfile(profile: Profile): Promise<void>
  /** Null when nobody is signed in; rejects when that cannot be found out. */
  user(): Promise<User | null>
  idToken(renew: boolean): Promise<string | null>
}

// Amplify warns of every endpoint that is not Amazon's, which a local region's never is.
ConsoleLogger.LOG_LEVEL = 'ERROR'

const OPERATORS = 'operators'
const SIGN_IN_MS = 8_000
const SIGN_OUT_MS = 3_000

const STEPS: Record<string, SignInStep> = {
  DONE: 'done',
  CONFIRM_SIGN_IN_WITH_NEW_PASSWORD_REQUIRED: 'new-password',
  RESET_PASSWORD: 'reset-required',
}

export const isOperator = (user: User): boolean => user.groups.includes(OPERATORS)

export const mayDelete = (user: User, owner: string): boolean => user.name === owner || isOperator(user)

/** Amplify's own prefix of what it keeps in this browser. */
const storagePrefix = (config: AuthConfig) => `CognitoIdentityServiceProvider.${config.userPoolClientId}`

export const isSessionKey = (config: AuthConfig, key: string | null): boolean =>
  key === null || key.startsWith(storagePrefix(config))

export function createAuth(config: AuthConfig): Auth {
  const { flow = 'USER_SRP_AUTH', ...cognito } = config
  const pools = { Cognito: { ...cognito, loginWith: { username: true } } }
  // What aws-amplify's own createAmplifyContext does, without the identity pool and the cookies, which nobody here uses.
  const tokenProvider = createUserPoolsTokenProvider(pools, defaultStorage)
  const context = createAmplifyContext({ Auth: pools }, { Auth: { tokenProvider } })

  async function begin(username: string, password: string): Promise<SignInStep> {
    const { nextStep } = await signIn(context, { username, password, options: { authFlowType: flow } })
    return step(nextStep.signInStep)
  }

  /** Amplify refuses to sign in over a session, such as one that another tab left behind. */
  async function beginAfresh(name: string, password: string): Promise<SignInStep> {
    try {
      return await begin(name, password)
    } catch (error) {
      if (!isNamed(error, 'UserAlreadyAuthenticatedException')) throw error
      await leave()
      return begin(name, password)
    }
  }

  async function answer(password: string): Promise<SignInStep> {
    const { nextStep } = await confirmSignIn(context, { challengeResponse: password })
    return step(nextStep.signInStep)
  }

  /** The challenge may have run out, or have been set by the other region: then it is asked for again. */
  async function answerAfresh(name: string, temporary: string, password: string): Promise<SignInStep> {
    try {
      return await answer(password)
    } catch (error) {
      if (!isNamed(error, 'SignInException', 'NotAuthorizedException')) throw error
      const again = await beginAfresh(name, temporary)
      return again === 'new-password' ? answer(password) : again
    }
  }

  /** Signing out must work here even if the region cannot be told. */
  async function leave(): Promise<void> {
    await within(SIGN_OUT_MS, signOut(context)).catch(() => forget(config))
  }

  async function tokens(renew: boolean) {
    return (await within(SIGN_IN_MS, fetchAuthSession(context, { forceRefresh: renew }))).tokens
  }

  return {
    signIn: (name, password) => within(SIGN_IN_MS, beginAfresh(name, password)),
    newPassword: (name, temporary, password) => within(SIGN_IN_MS, answerAfresh(name, temporary, password)),
    signOut: leave,
    signOutEverywhere: () => within(SIGN_IN_MS, signOut(context, { global: true })),
    async forgot(username) {
      const { nextStep } = await within(SIGN_IN_MS, resetPassword(context, { username }))
      return nextStep.codeDeliveryDetails.destination ?? ''
    },
    resetPassword: (username, confirmationCode, newPassword) =>
      within(SIGN_IN_MS, confirmResetPassword(context, { username, confirmationCode, newPassword })),
    changePassword: (oldPassword, newPassword) =>
      within(SIGN_IN_MS, updatePassword(context, { oldPassword, newPassword })),
    async profile() {
      const { email = '', phone_number: phone = '' } = await within(SIGN_IN_MS, fetchUserAttributes(context))
      return { email, phone }
    },
    async changeProfile({ email, phone }) {
      const userAttributes = { email, phone_number: phone }
      await within(SIGN_IN_MS, updateUserAttributes(context, { userAttributes }))
    },
    async idToken(renew) {
      return (await tokens(renew))?.idToken?.toString() ?? null
    },
    async user() {
      const payload = (await tokens(false))?.idToken?.payload
      if (!payload) return null
      return { name: String(payload['cognito:username'] ?? ''), groups: groupsOf(payload['cognito:groups']) }
    },
  }
}

function step(name: string): SignInStep {
  const known = STEPS[name]
  if (!known) throw new Error(`This sign-in needs a step that Lightbox does not have: ${name}`)
  return known
}

function forget(config: AuthConfig): void {
  const keys = Object.keys(localStorage).filter(key => isSessionKey(config, key))
  for (const key of keys) localStorage.removeItem(key)
}

const groupsOf = (claim: unknown): string[] => (Array.isArray(claim) ? claim.map(String) : [])

const isNamed = (error: unknown, ...names: string[]) => error instanceof Error && names.includes(error.name)
