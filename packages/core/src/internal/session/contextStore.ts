/** The platform's `KeyValueStore` over a context. */
import type { PlatformError, SystemErrorReason } from "@effect/platform/Error"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { AgbError } from "../../AgbError.js"
import { isWellFormed } from "../wire/codecs.js"
import type { Contexts } from "./contexts.js"
import { badArgument, systemError } from "./platformError.js"

/** The first letter keeps the names apart from `.`, `..` and the empty one. */
const prefix = "k-"

const module = "KeyValueStore"

const encode = (method: string, key: string): Effect.Effect<string, PlatformError> =>
  isWellFormed(key)
    ? Effect.succeed(`/${prefix}${encodeURIComponent(key)}`)
    : Effect.fail(badArgument({ module, method, description: "UTF-8 cannot represent the key" }))

const textOf = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)

const reasons: Partial<Record<AgbError["_tag"], SystemErrorReason>> = {
  FileNotFoundError: "NotFound",
  AuthenticationError: "PermissionDenied",
  TransportError: "Unknown",
  LimitExceededError: "InvalidData"
}

const failed = (method: string, key: string | undefined) => (error: AgbError): PlatformError =>
  systemError({
    module,
    method,
    reason: error._tag === "TransportError" && error.reason === "Timeout"
      ? "TimedOut"
      : reasons[error._tag] ?? "Unknown",
    ...(key === undefined ? {} : { pathOrDescriptor: key }),
    description: error.message,
    cause: error
  })

const make = (contexts: Contexts, id: string): KeyValueStore.KeyValueStore => {
  const on = <A, E extends AgbError>(
    method: string,
    key: string,
    use: (path: string) => Effect.Effect<A, E>
  ): Effect.Effect<A, PlatformError> =>
    Effect.flatMap(encode(method, key), (path) => Effect.mapError(use(path), failed(method, key)))

  const getUint8Array = (key: string) =>
    on("get", key, (path) =>
      contexts.read(id, path).pipe(
        Effect.map((bytes): Option.Option<Uint8Array> => Option.some(bytes)),
        Effect.catchTag("FileNotFoundError", () => Effect.succeedNone)
      ))

  return KeyValueStore.make({
    get: (key) => Effect.map(getUint8Array(key), (found) => Option.map(found, textOf)),
    getUint8Array,
    set: (key, value) => on("set", key, (path) => contexts.write(id, path, value)),
    remove: (key) => on("remove", key, (path) => contexts.removeFile(id, path)),
    clear: Effect.mapError(contexts.clear(id), failed("clear", undefined)),
    size: contexts.files(id).pipe(
      Stream.filter(({ isFolder, name }) => !isFolder && name.startsWith(prefix)),
      Stream.runCount,
      Effect.mapError(failed("size", undefined))
    )
  })
}

export const layer = (contexts: Contexts, id: string): Layer.Layer<KeyValueStore.KeyValueStore> =>
  Layer.succeed(KeyValueStore.KeyValueStore, make(contexts, id))
