/** What went wrong with a sign-in, a password or a profile, in words. By the names of Cognito's errors, the same on AWS and here. */
const WORDS: Record<string, string> = {
  NotAuthorizedException: 'That user name and password don’t match.',
  UserNotFoundException: 'That user name and password don’t match.',
  InvalidPasswordException: 'That password can’t be taken. Please choose a longer one, which is not your user name.',
  InvalidParameterException: 'That doesn’t look right. Please check what you have typed.',
  TooManyRequestsException: 'Too many tries. Please wait a minute, then try again.',
  LimitExceededException: 'Too many tries. Please wait a minute, then try again.',
  CodeMismatchException: 'That code doesn’t fit, or has run out. Please check it, or ask for a new one.',
  ExpiredCodeException: 'That code has run out. Please ask for a new one.',
  PasswordResetRequiredException: 'Your password has to be reset before you can sign in.',
  FencedException:
    'Writing is paused, so this cannot be saved now. What you have typed is kept: try again once writing resumes.',
  TimedOut: 'There was no answer. Please try again.',
  NetworkError: 'The region can’t be reached. Please try again.',
}

/** `special` has words for where an error means something in particular. */
export function failureWords(error: unknown, special: Record<string, string> = {}): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'NotAuthorizedException' && /disabled/i.test(error.message)) {
    return 'This account has been disabled. Please ask an administrator.'
  }
  if (error.name === 'NotAuthorizedException' && /temporary password has expired/i.test(error.message)) {
    return 'Your temporary password has run out. Please ask an administrator to invite you again.'
  }
  if (error.name === 'NotAuthorizedException' && /revoked|expired/i.test(error.message)) {
    return 'Your session has ended. Please sign in again.'
  }
  return special[error.name] ?? WORDS[error.name] ?? error.message
}

const isNamed = (error: unknown, ...names: string[]) => error instanceof Error && names.includes(error.name)

export const isNetwork = (error: unknown): boolean => isNamed(error, 'NetworkError', 'TimedOut')

export const isFenced = (error: unknown): boolean => isNamed(error, 'FencedException')
