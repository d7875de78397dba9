/** Saving something about oneself: a write like any other, so it can be refused by the fence, and is offered again. */
import { useState } from 'react'
import { useLightbox, useSituation } from '../context'
import type { Auth } from '../lib/auth'
import { failureWords, isFenced, isNetwork } from '../signin/words'
import { useCall } from '../ui/useCall'

/** `special` has words for errors that mean something in particular here. */
export function useSave(special: Record<string, string> = {}) {
  const lightbox = useLightbox()
  const { writable } = useSituation()
  const { busy, error, run } = useCall()
  const [saved, setSaved] = useState(false)

  const save = (work: (auth: Auth) => Promise<void>) =>
    void run(async () => {
      setSaved(false)
      try {
        await work(lightbox.here.auth)
        setSaved(true)
      } catch (failure) {
        if (isNetwork(failure) || isFenced(failure)) void lightbox.connection.check()
        throw failure
      }
    })

  return { busy, writable, save, words: error === null ? '' : failureWords(error, special), saved: saved && !busy && error === null }
}
