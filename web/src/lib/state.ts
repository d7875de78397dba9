/** The state document: reading it from a region, and refusing what is not one. */
import type { Fetch, RegionConfig } from './config'
import type { StateDocument } from './schema'

export type { StateDocument }
export type AppState = StateDocument['state']

export const STATE_NAMES: Record<AppState, string> = { active: 'Active', fenced: 'Fenced', failover: 'Failover' }

/** Throws on anything that is not a state document: a proxy's error page must never be believed. */
export function parseState(value: unknown): StateDocument {
  const document = value as StateDocument | null
  if (typeof document !== 'object' || document === null) throw new Error('The state document is not an object')
  if (!Object.hasOwn(STATE_NAMES, document.state)) throw new Error(`Unknown state ${JSON.stringify(document.state)}`)
  if (!Number.isInteger(document.epoch) || document.epoch < 0) throw new Error('The epoch is not a whole number')
  if (document.writer !== null && typeof document.writer !== 'string') throw new Error('The writer is not a region')
  return document
}

/** One attempt. Rejects when the region does not answer in time, or answers with something else. */
export async function readState(region: RegionConfig, request: Fetch, timeoutMs: number): Promise<StateDocument> {
  const answer = await request(region.stateUrl, { cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) })
  if (!answer.ok) throw new Error(`State: HTTP ${answer.status}`)
  return parseState(await answer.json())
}
