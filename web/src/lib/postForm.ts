/** The upload itself: a multipart form, as S3's presigned POST wants it. XMLHttpRequest, because fetch reports no progress. */
import { Refused, Unreachable } from './errors'
import type { Problem, Upload } from './schema'

/** Without any progress for this long the upload is given up. */
const STALL_MS = 30_000

export type PostForm = (
  upload: Upload,
  blob: Blob,
  onProgress: (sentBytes: number) => void,
  signal: AbortSignal,
) => Promise<void>

export const postForm: PostForm = (upload, blob, onProgress, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const stalled = () => {
      request.abort()
      reject(new Unreachable('The upload came to a standstill.'))
    }
    let timer = setTimeout(stalled, STALL_MS)
    request.upload.onprogress = event => {
      clearTimeout(timer)
      timer = setTimeout(stalled, STALL_MS)
      onProgress(Math.min(event.loaded, blob.size))
    }
    request.onload = () => (request.status < 300 ? resolve() : reject(refusalOf(request)))
    request.onerror = () => reject(new Unreachable('The connection was lost.'))
    request.onabort = () => reject(new DOMException('Cancelled', 'AbortError'))
    request.onloadend = () => clearTimeout(timer)
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.open('POST', upload.url)
    request.send(formOf(upload.fields, blob))
  })

function formOf(fields: Record<string, string>, blob: Blob): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  form.append('file', blob, 'photograph.jpg')
  return form
}

/** A region answers with a problem document, S3 with XML. */
function refusalOf(request: XMLHttpRequest): Refused {
  return new Refused(problemIn(request.responseText) ?? xmlProblem(request))
}

function problemIn(text: string): Problem | null {
  try {
    const body = JSON.parse(text) as Partial<Problem>
    return typeof body.code === 'string' ? (body as Problem) : null
  } catch {
    return null
  }
}

function xmlProblem({ status, responseText }: XMLHttpRequest): Problem {
  const part = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(responseText)?.[1]
  const detail = part('Message') ?? `The upload was answered with HTTP ${status}.`
  return { type: 'about:blank', title: 'Upload refused', status, code: part('Code') ?? 'unknown', detail }
}
