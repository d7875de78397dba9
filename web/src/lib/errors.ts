/**
 * What can go wrong when talking to a region.
 *
 *   Refused      the region answered no, for a reason that it names
 *   Unreachable  no answer: whether a write happened is not known
 *   SignedOut    the session has ended
 */
import type { Problem, StateDocument } from './schema'

export class Refused extends Error {
  override name = 'Refused'
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title)
  }

  get code(): string {
    return this.problem.code
  }

  /** The state that goes with a fenced write, so that the page can follow. */
  get state(): StateDocument | undefined {
    return this.problem.state
  }
}

export class Unreachable extends Error {
  override name = 'Unreachable'
}

export class SignedOut extends Error {
  override name = 'SignedOut'
}

export const isFence = (error: unknown): error is Refused =>
  error instanceof Refused && (error.code === 'fenced' || error.code === 'stale_epoch')

export const isMissing = (error: unknown): boolean => error instanceof Refused && error.problem.status === 404

/** The problem document of an answer; one is made up when a proxy answered with something else. */
export async function problemOf(answer: Response): Promise<Problem> {
  const body: Partial<Problem> | null = await answer.json().catch(() => null)
  if (body && typeof body.code === 'string') return body as Problem
  const { status } = answer
  return {
    type: 'about:blank',
    title: 'Error',
    status,
    code: 'unknown',
    detail: `The region answered with HTTP ${status}.`,
  }
}
