/** Line icons on a grid of 24, drawn for this app; the words beside them carry the meaning. */

interface Size {
  size?: number
}

const icon = (path: string) =>
  function Icon({ size = 18 }: Size) {
    return (
      <svg aria-hidden="true" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor">
        <path d={path} strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
    )
  }

export const AddIcon = icon('M12 5v14M5 12h14')
export const CloseIcon = icon('M6 6l12 12M18 6L6 18')
export const LockIcon = icon('M7.5 11V8a4.5 4.5 0 0 1 9 0v3M6 11h12v9H6z')
export const MoveIcon = icon('M4 8h14m0 0l-4-4m4 4l-4 4M20 16H6m0 0l4 4m-4-4l4-4')
export const OfflineIcon = icon(
  'M4 4l16 16M5 12.5a10 10 0 0 1 4-2.4M19 12.5a10 10 0 0 0-5-2.8M8.5 16a5 5 0 0 1 6-.8M12 19.5v.1',
)
export const DoneIcon = icon('M5 12.5l4.5 4.5L19 7.5')
export const WarningIcon = icon(
  'M12 9v4.5m0 3v.1M10.6 4.6L2.9 18a1.6 1.6 0 0 0 1.4 2.4h15.4a1.6 1.6 0 0 0 1.4-2.4L13.4 4.6a1.6 1.6 0 0 0-2.8 0z',
)
export const LeftIcon = icon('M14.5 5l-7 7 7 7')
export const RightIcon = icon('M9.5 5l7 7-7 7')
export const SignOutIcon = icon('M14 4h4.5A1.5 1.5 0 0 1 20 5.5v13a1.5 1.5 0 0 1-1.5 1.5H14M10 8l-4 4 4 4m-4-4h9')
export const DeleteIcon = icon('M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5')
export const RetryIcon = icon('M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4')
export const PictureIcon = icon('M4 5h16v14H4zM4 15.5l4.5-4.5 4 4 3-2.5L20 17M15.5 9.2v.1')

/** Two prints, one over the other: the same photograph in two places. */
export const Mark = ({ size = 26 }: Size) => (
  <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32">
    <rect x="3" y="4.5" width="18" height="18" rx="3" fill="var(--brand)" />
    <rect x="11" y="9.5" width="18" height="18" rx="3" fill="var(--ink)" />
    <path d="M11 12.5a3 3 0 0 1 3-3h7v10a3 3 0 0 1-3 3h-7z" fill="var(--overlap)" />
  </svg>
)
