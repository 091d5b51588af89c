/** The route for the bytes of files of a session. */
import * as Effect from "effect/Effect"
import { ApiError, errorReply, type HttpReply, sessionNotFound, successReply } from "../../../AgbServer.js"
import type { Transfer, TransferReply } from "../../client/transport/exchange.js"
import { bytesReply, contentOf, textReply } from "./contexts.js"
import { attempt, written } from "./fileTools.js"
import type { FileTree } from "./fileTree.js"
import { secrets } from "./secrets.js"

const toReply = ({ body, requestId, status }: HttpReply): TransferReply =>
  textReply(status, body, { "content-type": "application/json", "x-request-id": requestId })

const refused = (status: number, code: string, message: string): TransferReply =>
  toReply(errorReply("/files", new ApiError({ status, code, message })))

const read = (tree: FileTree, path: string, query: URLSearchParams): TransferReply => {
  const bytes = tree.file(path)
  const { mode, modifiedAt } = tree.get(path)
  const offset = Number(query.get("offset") ?? 0)
  const end = query.has("length") ? offset + Number(query.get("length")) : undefined
  return bytesReply(200, bytes.slice(offset, end), {
    "x-file-size": String(bytes.length),
    "x-file-mode": mode.toString(8),
    "x-file-mtime": String(modifiedAt),
    "x-file-stable": "true"
  })
}

const write = (tree: FileTree, path: string, query: URLSearchParams, content: Uint8Array, now: number) => {
  const permissions = query.get("permissions")
  const bytes = written(tree, { path, mode: query.get("mode") ?? "overwrite", content })
  tree.put(path, bytes, now, permissions === null ? undefined : parseInt(permissions, 8))
  return toReply(successReply({ data: { bytesWritten: content.length } }))
}

/** `find` gives the files of a session that lives. */
export const serve = <E>(
  request: Transfer<E>,
  find: (sessionId: string) => Effect.Effect<FileTree, ApiError>
): Effect.Effect<TransferReply, E> => {
  const { pathname, searchParams: query } = new URL(request.url)
  const sessionId = pathname.slice("/files/".length)
  const path = query.get("path") ?? ""
  if (request.headers?.["x-access-token"] !== secrets.token) {
    return Effect.succeed(refused(401, "InvalidToken", "the token of the session is missing or invalid"))
  }
  const work = (content: Uint8Array) =>
    Effect.flatMap(
      find(sessionId),
      (tree) =>
        attempt((now) => request.method === "GET" ? read(tree, path, query) : write(tree, path, query, content, now))
    )
  return Effect.flatMap(contentOf(request), (content) =>
    Effect.catchAll(work(content), (error) =>
      Effect.succeed(
        error._tag === "ToolFailure"
          ? refused(409, "File.Failed", error.text)
          : toReply(errorReply("/files", sessionNotFound(sessionId)))
      )))
}
