// @ts-check
"use strict"

/**
 * The flow of one stream between the host and the agent, either way: whoever sends goes no further than a window ahead of
 * what the other side has used, so that a slow reader holds up nobody but who writes for it. Both sides import this one
 * file, so it is plain JavaScript with no dependency.
 */

const windowBytes = 256 * 1024

/** What an event counts in a window beside its body, so that it does not take in a million of one byte each. */
const eventBytes = 256

/**
 * The sender's side.
 *
 * @param {() => void} onOpen called when a window that was full has room again
 */
const makeWindow = (onOpen) => {
  let ahead = 0
  const isFull = () => ahead >= windowBytes
  return {
    isFull,
    /** Less than nothing when more was sent than it takes in. */
    room: () => windowBytes - ahead,
    sent: (/** @type {number} */ bytes) => void (ahead += bytes),
    used: (/** @type {number} */ bytes) => {
      const wasFull = isFull()
      ahead -= bytes
      if (wasFull && !isFull()) onOpen()
    }
  }
}

/**
 * The reader's side: adds up what was used and tells of it before the sender would miss it.
 *
 * @param {(bytes: number) => void} tell
 * @returns {(bytes: number) => void}
 */
const makeReceipts = (tell) => {
  let owed = 0
  return (bytes) => {
    owed += bytes
    if (owed < windowBytes / 4) return
    tell(owed)
    owed = 0
  }
}

module.exports = { windowBytes, eventBytes, makeWindow, makeReceipts }
