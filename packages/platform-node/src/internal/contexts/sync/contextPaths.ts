/**
 * The paths of files in contexts. They are names, not places: nothing on this machine's disk is called after them, so a
 * hostile one can at worst be refused.
 */
import { ApiError } from "@effect-agb/core/AgbServer"
import * as Effect from "effect/Effect"

const longest = 4096

const badPath = (field: string, why: string) =>
  new ApiError({ status: 400, code: "InvalidParameter", message: `${field} must be ${why}` })

/** One spelling of each path: absolute, without empty and `.` segments and without a slash at its end; the root is "". */
export const normalized = (field: string, path: string): Effect.Effect<string, ApiError> => {
  if (path.includes("\0")) return Effect.fail(badPath(field, "a path without NUL characters"))
  if (Buffer.byteLength(path) > longest) return Effect.fail(badPath(field, `a path of at most ${longest} bytes`))
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".")
  return segments.includes("..")
    ? Effect.fail(badPath(field, "a path without .. segments"))
    : Effect.succeed(segments.map((segment) => `/${segment}`).join(""))
}

/** The path of a file, which cannot be the root nor end like a folder. */
export const filePath = (field: string, path: string): Effect.Effect<string, ApiError> =>
  Effect.flatMap(
    normalized(field, path),
    (found) => found === "" || path.endsWith("/") ? badPath(field, "the path of a file") : Effect.succeed(found)
  )

/** A path that was checked before, in the same spelling. */
export const tidy = (path: string): string =>
  path.split("/").filter((segment) => segment !== "" && segment !== ".").map((segment) => `/${segment}`).join("")

/** Whether `path` is `folder` or below it; both normalized. */
export const isWithin = (path: string, folder: string): boolean =>
  folder === "" || path === folder || path.startsWith(`${folder}/`)

/** Whether a name that the agent sent stays below the directory that was listed. */
export const isInner = (path: string): boolean =>
  path === "" ||
  (path.length <= longest && !path.includes("\0") &&
    path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== ".."))
