import { useOnScreen } from './useOnScreen'

interface List {
  hasNextPage: boolean
  isFetching: boolean
  isFetchNextPageError: boolean
  fetchNextPage(): Promise<unknown>
}

/** Loads the next page when the element is near. After a failure only when asked, so that nothing goes round in circles. */
export function useMore<E extends Element>(list: List, margin: string) {
  const load = () => {
    if (!list.isFetching) void list.fetchNextPage()
  }
  const ready = list.hasNextPage && !list.isFetching && !list.isFetchNextPageError
  return { ref: useOnScreen<E>(load, ready, margin), load }
}
