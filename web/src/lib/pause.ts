/** Waiting that can be cut short. */

/** Resolves after the time, or as soon as the signal is aborted, whichever comes first. Never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const finish = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal?.addEventListener('abort', finish)
  })
}

/** Grows from `firstMs` to `mostMs`, spread by ±25 % so that many pages do not come back in one wave. */
export function backoffMs(attempt: number, firstMs: number, mostMs: number, chance = Math.random()): number {
  return Math.min(mostMs, firstMs * 2 ** attempt) * (0.75 + chance / 2)
}

export class TimedOut extends Error {
  override name = 'TimedOut'
}

/** Amplify has no time-outs of its own. The call goes on in the background; its answer is dropped. */
export async function within<T>(ms: number, call: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const late = pause(ms, stop.signal).then(() => {
    throw new TimedOut(`No answer within ${ms / 1000} seconds`)
  })
  try {
    return await Promise.race([call, late])
  } finally {
    stop.abort()
    late.catch(() => {})
    call.catch(() => {})
  }
}
