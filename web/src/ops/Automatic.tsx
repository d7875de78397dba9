/** Automatic takeover: whether it is on, why it waits, and the operator's word about it. */
import { useCall } from '../ui/useCall'
import { useHeard, useOps } from './context'
import { Section } from './Section'

export function Automatic() {
  const ops = useOps()
  const { value, failed } = useHeard(ops.automatic)
  const { busy, error, run } = useCall()
  const say = (word: string, epoch?: number) => () => void run(() => ops.say(word, epoch))
  const off = busy || failed !== null
  return (
    <Section id="automatic" title="Automatic takeover" actions={value && <span className="tag">{value.mode === 'manual' ? 'Off' : value.paused ? 'Paused' : 'On'}</span>}>
      {value === null && <p className="muted">{failed === null ? 'Asking…' : `The authority ${failed}.`}</p>}
      {value?.mode === 'manual' && (
        <p className="muted">
          Off: nothing moves unless an operator says so. <code>multiregion up --automatic</code> turns it on.
        </p>
      )}
      {value?.mode === 'automatic' && (
        <>
          <p className="muted">{value.waitsBecause ? `No takeover now: ${plain(value.waitsBecause)}.` : 'Taking over.'}</p>
          {value.takeover && value.movesNow && <p>Once the takeover is acknowledged, writing moves again at once: {value.movesNow}.</p>}
          <div className="actions">
            {value.takeover && (
              <button className="button small primary" disabled={off} onClick={say('acknowledge', value.takeover.epoch)}>
                Acknowledge the takeover
              </button>
            )}
            <button className="button small" disabled={off} onClick={say(value.paused ? 'resume' : 'pause')}>
              {value.paused ? 'Resume' : 'Pause'}
            </button>
          </div>
        </>
      )}
      <p role="alert" className="error">
        {error instanceof Error ? error.message : ''}
      </p>
    </Section>
  )
}

/** Commands in the reason are for a terminal. */
const plain = (text: string): string => text.replace(/ \(`[^`]*`\)/u, '')
