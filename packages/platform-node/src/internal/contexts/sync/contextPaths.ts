/**
 * The paths of files in contexts. They are only names: no file on this machine's disk is named after them, so a hostile one
 * does no harm.
 */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"

const maxPathBytes = 4096

const badPath = (field: string, why: string) =>
  new ApiError({ status: 400, code: "InvalidParameter", message: `${field} must be ${why}` })

/** Normalizes a path: absolute, without empty and `.` segments and trailing slash; the root is "". Rejects `..`. */
export const normalized = (field: string, path: string): Effect.Effect<string, ApiError> => {
  if (path.includes("\0")) return Effect.fail(badPath(field, "a path without NUL characters"))
  if (Buffer.byteLength(path) > maxPathBytes) {
    return Effect.fail(badPath(field, `a path of at most ${maxPathBytes} bytes`))
  }
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".")
  return segments.includes("..")
    ? Effect.fail(badPath(field, "a path without .. segments"))
    : Effect.succeed(segments.map((segment) => `/${segment}`).join(""))
}

/** Normalizes the path of a file, which must not be the root or end with a slash. */
export const filePath = (field: string, path: string): Effect.Effect<string, ApiError> =>
  Effect.flatMap(
    normalized(field, path),
    (found) => found === "" || path.endsWith("/") ? badPath(field, "the path of a file") : Effect.succeed(found)
  )

/** Normalizes a path that has been validated before. */
export const tidy = (path: string): string =>
  path.split("/").filter((segment) => segment !== "" && segment !== ".").map((segment) => `/${segment}`).join("")

/** Whether `path` is `folder` or below it; both normalized. */
export const isWithin = (path: string, folder: string): boolean =>
  folder === "" || path === folder || path.startsWith(`${folder}/`)

/** Whether a relative path from the agent stays within the directory that was listed. */
export const isInner = (path: string): boolean =>
  path === "" ||
  (path.length <= maxPathBytes && !path.includes("\0") &&
    path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== ".."))
