/**
 * The flow of one stream between the host and the agent, either way: whoever sends goes no further than a window ahead of
 * what the other side has used, so that a slow reader holds up nobody but who writes for it. Both sides import this one
 * file, so it is plain JavaScript with no dependency.
 */

export const windowBytes = 256 * 1024

/** What an event counts in a window beside its body, so that it does not take in a million of one byte each. */
export const eventBytes = 256

/**
 * The sender's side.
 *
 * @param onOpen called when a window that was full has room again
 */
export const makeWindow = (onOpen: () => void) => {
  let ahead = 0
  const isFull = () => ahead >= windowBytes
  return {
    isFull,
    /** Less than nothing when more was sent than it takes in. */
    room: () => windowBytes - ahead,
    sent: (bytes: number) => void (ahead += bytes),
    used: (bytes: number) => {
      const wasFull = isFull()
      ahead -= bytes
      if (wasFull && !isFull()) onOpen()
    }
  }
}

/** The reader's side: adds up what was used and tells of it before the sender would miss it. */
export const makeReceipts = (tell: (bytes: number) => void): (bytes: number) => void => {
  let owed = 0
  return (bytes) => {
    owed += bytes
    if (owed < windowBytes / 4) return
    tell(owed)
    owed = 0
  }
}
