/** How much may be kept. What is being written counts before it is whole, so that many at once cannot exceed it either. */
import { quotaExceeded } from "./storageFailure.js"

export interface Quota {
  /** Counts `bytes` more; throws a refusal when that is too much. */
  readonly take: (bytes: number) => void
  /** Counts what is there already, or less when negative. */
  readonly count: (bytes: number) => void
}

export const makeQuota = (limit: number, what: string, parent?: Quota): Quota => {
  let used = 0
  return {
    take: (bytes) => {
      if (used + bytes > limit) throw quotaExceeded(`${what} would hold more than ${limit} bytes`)
      parent?.take(bytes)
      used += bytes
    },
    count: (bytes) => {
      parent?.count(bytes)
      used += bytes
    }
  }
}
