/** Storage quotas. Bytes count as they are written, so that concurrent uploads cannot exceed a quota either. */
import { quotaExceeded } from "./storageFailure.js"

export interface Quota {
  /** Counts `bytes` more; throws an `ApiError` where that exceeds the quota. */
  readonly take: (bytes: number) => void
  /** Counts bytes that are stored already, or frees them where negative. */
  readonly adjust: (bytes: number) => void
}

export const makeQuota = (limit: number, what: string, parent?: Quota): Quota => {
  let used = 0
  return {
    take: (bytes) => {
      if (used + bytes > limit) throw quotaExceeded(`${what} would hold more than ${limit} bytes`)
      parent?.take(bytes)
      used += bytes
    },
    adjust: (bytes) => {
      parent?.adjust(bytes)
      used += bytes
    }
  }
}
