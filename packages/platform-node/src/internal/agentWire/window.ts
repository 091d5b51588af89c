/**
 * Backpressure for one stream between host and agent, in either direction: the sender stays within a window of bytes that
 * the receiver has not acknowledged yet, so that a slow reader blocks only the writer that it reads from.
 */

export const windowBytes = 256 * 1024

/** The window of a file that is read or written. */
export const fileWindowBytes = 1024 * 1024

/** Bytes of a file that are sent at once; the window holds a whole number of them. */
export const filePieceBytes = fileWindowBytes / 4

/** Counted for each event in addition to its body, so that a window does not hold a million events of one byte. */
export const eventBytes = 256

/** The sending side. `onOpen` is called when a full window has room again. */
export const makeWindow = (onOpen: () => void) => {
  let ahead = 0
  const isFull = () => ahead >= windowBytes
  return {
    isFull,
    /** Negative if more was sent than the window allows. */
    room: () => windowBytes - ahead,
    sent: (bytes: number) => void (ahead += bytes),
    used: (bytes: number) => {
      const wasFull = isFull()
      ahead -= bytes
      if (wasFull && !isFull()) onOpen()
    }
  }
}

/** The receiving side: adds up what was consumed and acknowledges it well before the window is full. */
export const makeReceipts = (acknowledge: (bytes: number) => void, window = windowBytes): (bytes: number) => void => {
  let pending = 0
  return (bytes) => {
    pending += bytes
    if (pending < window / 4) return
    acknowledge(pending)
    pending = 0
  }
}
