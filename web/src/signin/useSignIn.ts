/** The steps of a sign-in, and what is known between them. */
import { useState } from 'react'
import { useLightbox } from '../context'
import type { Auth, SignInStep } from '../lib/auth'
import { useCall } from '../ui/useCall'
import { failureWords, isFenced, isNetwork } from './words'

type Step =
  | { name: 'password' | 'forgot' }
  | { name: 'new-password'; user: string; temporary: string }
  /** `sentTo`: where the code went; empty if somebody else had it sent. */
  | { name: 'code'; user: string; sentTo: string }

export function useSignIn() {
  const lightbox = useLightbox()
  const { busy, error, run, clear } = useCall()
  const [step, setStep] = useState<Step>({ name: 'password' })
  const [user, setUser] = useState('')

  const attempt = (call: (auth: Auth) => Promise<void>) =>
    void run(async () => {
      try {
        await call(lightbox.here.auth)
      } catch (failure) {
        if (isNetwork(failure) || isFenced(failure)) void lightbox.connection.check()
        throw failure
      }
    })

  async function follow(next: SignInStep, name: string, password: string): Promise<void> {
    if (next === 'new-password') setStep({ name: 'new-password', user: name, temporary: password })
    if (next === 'reset-required') setStep({ name: 'code', user: name, sentTo: '' })
    if (next === 'done') await lightbox.readSession()
  }

  const begin = (name: string, password: string) =>
    attempt(async auth => follow(await auth.signIn(name, password), name, password))

  const choose = (name: string, temporary: string, password: string) =>
    attempt(async auth => follow(await auth.newPassword(name, temporary, password), name, password))

  const askForCode = (name: string) =>
    attempt(async auth => setStep({ name: 'code', user: name, sentTo: await auth.forgot(name) }))

  const reset = (name: string, code: string, password: string) =>
    attempt(async auth => {
      await auth.resetPassword(name, code, password)
      await follow(await auth.signIn(name, password), name, password)
    })

  const go = (name: 'password' | 'forgot') => {
    setStep({ name })
    clear()
  }
  const words = error === null ? '' : failureWords(error)
  return { step, user, setUser, busy, error: words, begin, choose, askForCode, reset, go }
}

export type Form = ReturnType<typeof useSignIn>
