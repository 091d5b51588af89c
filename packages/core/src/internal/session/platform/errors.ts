/** Errors of files and commands as those that the platform has on Node: the same reasons, system calls and texts. */
import type { PlatformError, SystemErrorReason } from "@effect/platform/Error"
import type { FileSystemError } from "../fileErrors.js"
import { badArgument, systemError } from "../platformError.js"
import type { ProcessFailure } from "../processes/model.js"

/** What was called, and on what. */
export interface Call {
  readonly method: string
  readonly syscall: string
  readonly path: string | number
  /** The other path of a call on two. */
  readonly destination?: string | undefined
}

/** Text of Node, reason of the platform, and how the programs of a session end their messages. */
const codes: Readonly<Record<string, readonly [text: string, reason: SystemErrorReason, message: RegExp]>> = {
  ENOENT: ["no such file or directory", "NotFound", /no such file or directory$|directory nonexistent$|no such file$/i],
  EACCES: ["permission denied", "PermissionDenied", /permission denied$/i],
  EPERM: ["operation not permitted", "PermissionDenied", /operation not permitted$/i],
  EROFS: ["read-only file system", "PermissionDenied", /read-only file system$/i],
  EEXIST: ["file already exists", "AlreadyExists", /file exists$|cannot overwrite existing file$/i],
  EISDIR: ["illegal operation on a directory", "BadResource", /is a directory$/i],
  ENOTDIR: ["not a directory", "BadResource", /not a directory$/i],
  ELOOP: ["too many symbolic links encountered", "BadResource", /levels of symbolic links$|symbolic link loop$/i],
  ESTALE: ["the file was moved, replaced or removed after it was opened", "BadResource", /stale file handle$/i],
  EBUSY: ["resource busy or locked", "Busy", /resource busy$/i],
  ETXTBSY: ["text file is busy", "Busy", /text file busy$/i],
  EBADF: ["bad file descriptor", "Unknown", /bad file descriptor$/i],
  EINVAL: ["invalid argument", "Unknown", /invalid argument$/i],
  ENAMETOOLONG: ["name too long", "Unknown", /file ?name too long$/i],
  ENOSPC: ["no space left on device", "Unknown", /no space left on device$/i],
  ENOTEMPTY: ["directory not empty", "Unknown", /directory not empty$/i]
}

/** What the tools of a session tell where their text has no code. */
const codeOfReason: Readonly<Record<string, string>> = {
  AlreadyExists: "EEXIST",
  PermissionDenied: "EACCES",
  IsDirectory: "EISDIR",
  NotDirectory: "ENOTDIR"
}

const codeOfText = (text: string): string | undefined =>
  Object.entries(codes).find(([, [, , message]]) => message.test(text))?.[0]

/** What says more than its code comes as `EINVAL: Too many levels of symbolic links: /x`. */
const codeOf = (error: FileSystemError | ProcessFailure): string | undefined => {
  if (error._tag !== "FileNotFoundError" && error._tag !== "FileError") return undefined
  const [, leading = "", sentence = ""] = /^(E[A-Z]+)\b(?:: ([^:]*):)?/.exec(error.detail) ?? []
  const found = codeOfText(sentence) ?? (leading in codes ? leading : codeOfText(error.detail.trim()))
  if (found !== undefined) return found
  return error._tag === "FileNotFoundError" ? "ENOENT" : codeOfReason[error.reason]
}

/** An error with the code that Node gives it. */
export const errno = (
  module: "FileSystem" | "Command",
  code: string,
  { destination, method, path, syscall }: Call,
  cause?: unknown
): PlatformError => {
  const [text, reason] = codes[code] ?? [code, "Unknown" as const]
  const names = destination === undefined ? `'${path}'` : `'${path}' -> '${destination}'`
  return systemError({
    module,
    method,
    reason,
    syscall,
    pathOrDescriptor: path,
    description: `${code}: ${text}, ${syscall} ${names}`,
    ...(cause === undefined ? {} : { cause })
  })
}

const isTimeout = (error: FileSystemError | ProcessFailure): boolean =>
  error._tag === "TransportError" && error.reason === "Timeout" ||
  error._tag === "FileError" && error.reason === "Other" && /\btimed out after\b/.test(error.detail)

/** An error of a session. */
export const failed =
  (module: "FileSystem" | "Command", call: Call) => (error: FileSystemError | ProcessFailure): PlatformError => {
    const { method, path, syscall } = call
    if (error._tag === "InvalidRequestError") {
      return badArgument({ module, method, description: error.message, cause: error })
    }
    const code = codeOf(error)
    return code !== undefined ? errno(module, code, call, error) : systemError({
      module,
      method,
      reason: isTimeout(error) ? "TimedOut" : "Unknown",
      syscall,
      pathOrDescriptor: path,
      description: error.message,
      cause: error
    })
  }
