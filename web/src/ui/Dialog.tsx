/** A native modal dialog: focus, Esc, the inert background and the top layer are the browser's work. */
import { use, useLayoutEffect, useRef, type MouseEvent, type ReactNode, type SyntheticEvent } from 'react'
import { LightboxContext } from '../context'
import { Asides } from './Asides'

interface Props {
  label: string
  className: string
  onClose(): void
  children: ReactNode
}

export function Dialog({ label, className, onClose, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null)
  const inGallery = use(LightboxContext) !== null // the console has nothing on its way out
  // Before the browser paints, and closed before it is taken away, so that the focus goes back to where it was.
  useLayoutEffect(() => {
    const dialog = ref.current
    if (!dialog?.open) {
      keepScrollbarWidth()
      dialog?.showModal()
    }
    return () => dialog?.close()
  }, [])
  const closeOnBackdrop = (event: MouseEvent) => {
    if (event.target === ref.current) onClose()
  }
  const cancel = (event: SyntheticEvent) => {
    if (event.target !== ref.current) return // a file chooser in here was left
    event.preventDefault() // React takes the dialog away; the browser need not
    onClose()
  }
  const closed = () => {
    if (!ref.current?.open) onClose() // some browsers close on a second Esc without asking
  }
  return (
    <dialog
      ref={ref}
      aria-label={label}
      className={`dialog ${className}`}
      onCancel={cancel}
      onClose={closed}
      onClick={closeOnBackdrop}
    >
      {children}
      {inGallery && <Asides />}
    </dialog>
  )
}

function keepScrollbarWidth(): void {
  const { documentElement: page } = document
  if (document.querySelector('dialog[open]')) return
  page.style.setProperty('--scrollbar', `${innerWidth - page.clientWidth}px`)
}

/** For the element that has the focus when its dialog opens; React's autoFocus comes too early for that. */
export const firstFocus = (element: HTMLElement | null): void => element?.setAttribute('autofocus', '')
