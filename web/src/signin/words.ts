/** What went wrong with a sign-in, in words. By the names of Cognito's errors, which are the same on AWS and here. */
const WORDS: Record<string, string> = {
  NotAuthorizedException: 'That user name and password don’t match.',
  UserNotFoundException: 'That user name and password don’t match.',
  InvalidPasswordException: 'That password is too easy to guess. Please choose another, of at least eight characters.',
  InvalidParameterException: 'That doesn’t look right. Please check what you have typed.',
  TooManyRequestsException: 'Too many tries. Please wait a minute, then try again.',
  LimitExceededException: 'Too many tries. Please wait a minute, then try again.',
  FencedException:
    'Writing is paused, so a new password cannot be saved now. It is kept here: try again once writing resumes.',
  TimedOut: 'There was no answer. Please try again.',
  NetworkError: 'The region can’t be reached. Please try again.',
}

const RESET = 'Your password has to be reset before you can sign in. Please ask an administrator for a new one.'

export const resetWords = RESET

export function failureWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'PasswordResetRequiredException') return RESET
  if (error.name === 'NotAuthorizedException' && /disabled/i.test(error.message)) {
    return 'This account has been disabled. Please ask an administrator.'
  }
  return WORDS[error.name] ?? error.message
}

export const isNetwork = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'NetworkError' || error.name === 'TimedOut')
