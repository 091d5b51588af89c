/**
 * Moves files and directories between this machine and a session, with their permissions. A file appears in its place when all of
 * it is there; what a broken transfer has left of a large file is kept beside it under a name that begins with `.agb-`, and the
 * next transfer continues there. Links and special files are left out and named in the progress.
 *
 * @since 0.1.0
 */
import type * as PlatformFileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Stream from "effect/Stream"
import { InvalidRequestError } from "./AgbError.js"
import * as AgbTools from "./AgbTools.js"
import * as issues from "./internal/client/checks/issues.js"
import * as optionObjects from "./internal/client/checks/options.js"
import * as requestChecks from "./internal/client/checks/requestChecks.js"
import * as spans from "./internal/client/spans.js"
import type { Session } from "./internal/session/session.js"
import { download as downloadTo } from "./internal/session/transfer/download.js"
import type { Progress, Settings, TransferError, TransferOptions } from "./internal/session/transfer/model.js"
import { upload as uploadFrom } from "./internal/session/transfer/upload.js"

export type {
  /**
   * How far a transfer is. The last report of a transfer has `files` equal to `totalFiles`.
   *
   * @since 0.1.0
   * @category models
   */
  Progress,
  /**
   * Errors of a transfer: those of the files of the session, and `PlatformError` for those of this machine.
   *
   * @since 0.1.0
   * @category errors
   */
  TransferError,
  /**
   * Options of `upload` and `download`.
   *
   * @since 0.1.0
   * @category models
   */
  TransferOptions
} from "./internal/session/transfer/model.js"

type Transfer = Stream.Stream<Progress, TransferError, Session | PlatformFileSystem.FileSystem>

const invalid = (operation: string, field: string, given: unknown, expected: string) =>
  new InvalidRequestError({ operation, field, given: String(given).slice(0, 64), expected })

const checkPaths = (operation: string, local: string, remote: string): InvalidRequestError | undefined => {
  if (typeof local !== "string" || local === "" || local.includes("\0")) {
    return invalid(operation, "local", local, "a path of this machine")
  }
  const checked = ParseResult.validateEither(AgbTools.AbsolutePath)(remote)
  if (Either.isLeft(checked)) return issues.invalidRequest(operation, checked.left, "remote")
  if (remote.endsWith("/") && remote !== "/") {
    return invalid(operation, "remote", remote, "a path without a slash at its end")
  }
  return requestChecks.malformedText(operation, { remote, local })
}

const checked = (
  operation: string,
  local: string,
  remote: string,
  options: TransferOptions | undefined,
  start: (settings: Settings) => Transfer
): Transfer =>
  Stream.unwrap(Effect.gen(function*() {
    const { resume = true, verify = "size" } = yield* optionObjects.check(operation, options, ["resume", "verify"])
    if (typeof resume !== "boolean") return yield* invalid(operation, "resume", resume, "a boolean")
    if (verify !== "size" && verify !== "checksum") {
      return yield* invalid(operation, "verify", verify, "\"size\" or \"checksum\"")
    }
    const error = checkPaths(operation, local, remote)
    return error === undefined ? start({ operation, resume, verify }) : yield* error
  })).pipe(spans.stream(operation))

/**
 * Moves a file or directory of this machine into the session, to the path `remote`. Directories are merged with what is there;
 * files are replaced. The parent directory must exist.
 *
 * @example
 * ```ts
 * import { Transfer } from "@effect-agb/core"
 * import { Console, Stream } from "effect"
 *
 * export const upload = Transfer.upload("./data", "/tmp/data").pipe(
 *   Stream.runForEach(({ bytes, totalBytes }) => Console.log(`${bytes} of ${totalBytes} bytes`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const upload = (local: string, remote: string, options?: TransferOptions): Transfer =>
  checked("Transfer.upload", local, remote, options, (settings) => uploadFrom(settings, local, remote))

/**
 * Moves a file or directory of the session to the path `local` of this machine. Directories are merged with what is there; files
 * are replaced. The parent directory must exist.
 *
 * @since 0.1.0
 * @category combinators
 */
export const download = (remote: string, local: string, options?: TransferOptions): Transfer =>
  checked("Transfer.download", local, remote, options, (settings) => downloadTo(settings, remote, local))
