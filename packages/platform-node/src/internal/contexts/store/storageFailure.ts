/** Storage errors as clients get them, without paths of this machine. */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"

export const contextNotFound = new ApiError({
  status: 404,
  code: "InvalidContext.NotFound",
  message: "The specified context is not found."
})

export const fileNotFound = new ApiError({
  status: 404,
  code: "ContextFile.NotFound",
  message: "The specified context file is not found."
})

export const preconditionFailed = new ApiError({
  status: 412,
  code: "PreconditionFailed",
  message: "the file has another version than the request asks for"
})

export const quotaExceeded = (message: string) => new ApiError({ status: 413, code: "QuotaExceeded", message })

const noSpace = new ApiError({
  status: 507,
  code: "InsufficientStorage",
  message: "the disk that holds the contexts is full"
})

const busy = new ApiError({
  status: 503,
  code: "ServiceUnavailable",
  message: "the runtime has no file descriptors left, try again later"
})

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown"

const toApiError = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error
  switch (codeOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return noSpace
    case "EMFILE":
    case "ENFILE":
      return busy
    default:
      return new ApiError({
        status: 500,
        code: "ContextStorage.Failed",
        message: `the storage of contexts failed (${codeOf(error)})`
      })
  }
}

/** Runs a disk operation, which should be short or observe `signal`. */
export const onDisk = <A>(work: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, ApiError> =>
  Effect.tryPromise({ try: work, catch: toApiError })
