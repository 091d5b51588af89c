/**
 * Memory of buffers that nobody needs any more, given back at once. V8 counts what is waiting for the next collection and makes one
 * for every few dozen megabytes: a large file in pieces would take longer to collect than to move.
 */
import * as GlobalValue from "effect/GlobalValue"

/** Smaller buffers may share their memory, and are not worth it. */
const leastBytes = 16_384

/** What is transferred to a port that is closed is detached and dropped. */
const closedPort = (): MessagePort =>
  GlobalValue.globalValue("@effect-agb/platform-node/closedPort", () => {
    const { port1 } = new MessageChannel()
    port1.close()
    return port1
  })

/** Only for bytes that no one else has and no write is waiting for. What shares its memory with others is left to V8. */
export const releaseBuffer = ({ buffer, byteLength }: Uint8Array): void => {
  if (byteLength < leastBytes || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return
  closedPort().postMessage(undefined, [buffer])
}
