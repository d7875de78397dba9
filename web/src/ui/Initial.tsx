/** A person as a letter. */
export const Initial = ({ name }: { name: string }) => (
  <span className="initial" aria-hidden="true">
    {[...name][0]?.toUpperCase() ?? '?'}
  </span>
)
