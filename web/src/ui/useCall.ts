import { useState } from 'react'

/** A call that a form makes: whether it is under way, and why the last one failed. One at a time. */
export function useCall() {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)

  async function run(call: () => Promise<void>): Promise<void> {
    if (busy) return
    setBusy(true)
    setError(null)
    try {
      await call()
    } catch (failure) {
      setError(failure)
    } finally {
      setBusy(false)
    }
  }
  return { busy, error, run, clear: () => setError(null) }
}
