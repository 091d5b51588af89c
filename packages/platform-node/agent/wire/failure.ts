/** The error of an operation: an errno-like code and a message that names the subject and the reason. */

export class Failure extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

const known: Record<string, readonly [code: string, sentence: string]> = {
  ENOENT: ["ENOENT", "No such file or directory (not found)"],
  EEXIST: ["EEXIST", "Already exists"],
  EACCES: ["EACCES", "Permission denied"],
  EPERM: ["EACCES", "Operation not permitted"],
  EROFS: ["EACCES", "Read-only file system"],
  EISDIR: ["EISDIR", "Is a directory"],
  ENOTDIR: ["ENOTDIR", "Not a directory"],
  ENOTEMPTY: ["ENOTEMPTY", "Directory not empty"],
  EINVAL: ["EINVAL", "Invalid argument"],
  ENXIO: ["EINVAL", "Not a regular file but a FIFO, a device or a socket"],
  EIO: ["EFAIL", "Input or output error (EIO)"],
  EBUSY: ["EFAIL", "Device or resource busy"],
  ELOOP: ["EINVAL", "Too many levels of symbolic links"],
  ENAMETOOLONG: ["EINVAL", "File name too long"],
  ENOSPC: ["ENOSPC", "No space left on device"],
  EDQUOT: ["ENOSPC", "Disk quota exceeded"],
  EFBIG: ["EFBIG", "File too large"],
  EAGAIN: ["EFAIL", "Out of processes or memory (EAGAIN)"],
  EMFILE: ["EFAIL", "Too many open files (EMFILE)"],
  ENFILE: ["EFAIL", "Too many open files in the system (ENFILE)"],
  ENOMEM: ["EFAIL", "Out of memory (ENOMEM)"]
}

export const codeOf = (error: unknown) => error instanceof Error && "code" in error ? String(error.code) : ""

/** Converts any error to a Failure about `subject`. */
export const failureOf = (error: unknown, subject: string): Failure => {
  if (error instanceof Failure) return error
  const found = known[codeOf(error)]
  if (found !== undefined) return new Failure(found[0], `${found[1]}: ${subject}`)
  return new Failure("EFAIL", `${messageOf(error)}: ${subject}`)
}

/** Removes the system call and its path, which is a path below /proc/self/fd and not the one that was asked for. */
const messageOf = (error: unknown) =>
  error instanceof Error ? error.message.replace(/, [a-z]+(?: '.*)?$/s, "") : String(error)

/** Runs `body` and rethrows whatever it throws as a Failure about `subject`. */
export const mapErrors = <A>(subject: string, body: () => A): A => {
  try {
    return body()
  } catch (error) {
    throw failureOf(error, subject)
  }
}
