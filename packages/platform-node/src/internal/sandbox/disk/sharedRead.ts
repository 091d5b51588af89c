/**
 * One reading serves all who ask for one before it begins; who asks later gets the next, which sees what has changed since.
 * At most one takes place at a time.
 */
export const sharedRead = <A>(read: () => Promise<A>): () => Promise<A> => {
  let next: Promise<A> | undefined
  let last: Promise<unknown> = Promise.resolve()

  const begin = async () => {
    await last.catch(() => {})
    next = undefined
    return read()
  }
  return () => {
    if (next === undefined) last = next = begin()
    return next
  }
}
