/** The last look before the state changes: what it does, what it costs, why, and the word that has to be typed; then each step. */
import { useState, type FormEvent } from 'react'
import { Dialog, firstFocus } from '../ui/Dialog'
import { CloseIcon, RightIcon } from '../ui/icons'
import { useCall } from '../ui/useCall'
import { useHeard, useOps } from './context'
import { wording } from './moves'
import { StepList } from './Runs'
import { Shape } from './Signs'
import type { Move, Step } from './types'

interface Props {
  move: Move
  /** The epoch that this was decided at: at another one it is refused. */
  epoch: number
  onClose(): void
}

const REASON_MAX = 500

export function MoveDialog({ move, epoch, onClose }: Props) {
  const ops = useOps()
  const [steps, setSteps] = useState<Step[] | null>(null)
  const [done, setDone] = useState(false)
  const { busy, error, run } = useCall()
  const { title } = wording(move, ops.labels)

  const start = (reason: string) =>
    void run(async () => {
      setSteps([])
      await ops.order(move.path, { ...move.order, reason, epoch }, line => {
        if (line.step) setSteps(known => [...(known ?? []), line.step as Step])
      })
      setDone(true)
    })

  return (
    <Dialog label={title} className="sheet ops-sheet" onClose={onClose}>
      <div className="sheet-head">
        <h2 className="display">{title}</h2>
        <button className="button icon" onClick={onClose} aria-label="Close">
          <CloseIcon />
        </button>
      </div>
      {steps === null ? (
        <Confirm move={move} epoch={epoch} onCancel={onClose} onConfirm={start} />
      ) : (
        <>
          <div aria-live="polite">
            <StepList steps={steps} running={busy} />
            {done && <p className="notice sign-good">Done.</p>}
            {error !== null && <p className="notice sign-bad">{error instanceof Error ? error.message : String(error)}</p>}
          </div>
          <div className="sheet-foot">
            <p className="fine muted">{busy ? 'It goes on to its end, though this is closed.' : ''}</p>
            <button className="button primary" onClick={onClose}>
              Close
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}

interface ConfirmProps {
  move: Move
  epoch: number
  onCancel(): void
  onConfirm(reason: string): void
}

function Confirm({ move, epoch, onCancel, onConfirm }: ConfirmProps) {
  const ops = useOps()
  const current = useHeard(ops.moves).value
  const [typed, setTyped] = useState('')
  const { verb, word } = wording(move, ops.labels)
  const moved = current !== null && current.epoch !== epoch
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    onConfirm(String(new FormData(event.currentTarget).get('reason')))
  }
  return (
    <form className="confirm" onSubmit={submit}>
      <ul className="does">
        {move.does.map(text => (
          <li key={text}>
            <RightIcon size={15} />
            {text}
          </li>
        ))}
      </ul>
      <Cost move={freshest(move, current?.moves)} />
      {move.lastDrill && <p className="fine muted">{move.lastDrill}</p>}
      <label>
        Reason
        <input name="reason" maxLength={REASON_MAX} placeholder="Kept in the history" ref={firstFocus} />
      </label>
      <label>
        <span>
          Type <b>{word}</b> to confirm
        </span>
        <input value={typed} onChange={event => setTyped(event.target.value)} autoComplete="off" autoCapitalize="none" spellCheck={false} />
      </label>
      {moved && (
        <p role="alert" className="notice sign-warn">
          The state has changed since (epoch {current.epoch}). Close this, and decide again.
        </p>
      )}
      <div className="sheet-foot">
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
        <button className={`button ${move.kind === 'takeover' ? 'danger' : 'primary'}`} disabled={typed.trim() !== word || moved}>
          {verb}
        </button>
      </div>
    </form>
  )
}

/** The prediction goes on changing while the dialog is open. */
const freshest = (move: Move, moves: readonly Move[] | undefined): Move => moves?.find(({ name }) => name === move.name) ?? move

function Cost({ move }: { move: Move }) {
  if (move.prediction === null)
    return (
      <p className="notice sign-good">
        <Shape tone="good" />
        <span>Nothing is lost.</span>
      </p>
    )
  return (
    <div className="notice sign-bad">
      <Shape tone="bad" />
      <div>
        <p>
          <b>{move.becomes.writer ? 'What may be lost' : 'What is not seen until the region is back'}:</b> {move.prediction}.
        </p>
        {move.needsWord && <p>By confirming you accept this: {move.needsWord}</p>}
      </div>
    </div>
  )
}
