/** What the promise API on Node does with a session besides: ports and files of this machine. */
import type { AgbError } from "@effect-agb/core/AgbError"
import * as Core from "@effect-agb/core/AgbPromise"
import type { OperationResult } from "@effect-agb/core/OperationResult"
import { Session } from "@effect-agb/core/Session"
import * as Transfer from "@effect-agb/core/Transfer"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Forward } from "../forward/forward.js"
import { type ForwardOptions as Options, scoped } from "../forward/scopedForward.js"
import { localFiles } from "../node/localFiles.js"

/** Options of `forward`, all optional. */
export interface ForwardOptions extends Options, Core.CallOptions {}

/** A port of this machine that leads into a session. */
export interface Forwarded extends Forward {
  /** Ends the port and everything that goes through it. */
  readonly close: () => Promise<void>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** Options of `upload` and `download`, all optional. */
export interface TransferOptions extends Transfer.TransferOptions, Core.CallOptions {}

const forwarding = Core.lasting(
  "NodeAgb.forward",
  { port: Schema.Number, localPort: Schema.optional(Schema.Number) },
  (session: Session, { localPort, port }) => scoped(session, port, { localPort })
)

export const forward = async (
  { calls }: Core.BaseSession,
  port: number,
  options: ForwardOptions | undefined
): Promise<OperationResult<Forwarded>> => {
  const result = await calls.acquire(forwarding, { port }, options)
  if (!result.success) return result
  const { data, requestId } = result
  const close = () => calls.release(data)
  return { requestId, success: true, data: { ...data.value, close, [Symbol.asyncDispose]: close } }
}

const fields = {
  local: Schema.String,
  remote: Schema.String,
  resume: Schema.optional(Schema.Boolean),
  verify: Schema.optional(Schema.Literal("size", "checksum"))
}

/** Errors of this machine are errors of this SDK already. */
const here = (
  session: Session,
  transfer: ReturnType<typeof Transfer.upload>
): Stream.Stream<Transfer.Progress, AgbError> =>
  Stream.provideContext(
    transfer as Stream.Stream<Transfer.Progress, AgbError, Session | FileSystem.FileSystem>,
    Context.add(Context.make(Session, session), FileSystem.FileSystem, localFiles)
  )

const uploading = Core.source(
  "Transfer.upload",
  fields,
  (session: Session, { local, remote, resume, verify }) =>
    here(session, Transfer.upload(local, remote, { resume, verify }))
)

const downloading = Core.source(
  "Transfer.download",
  fields,
  (session: Session, { local, remote, resume, verify }) =>
    here(session, Transfer.download(remote, local, { resume, verify }))
)

export const upload = (
  { calls }: Core.BaseSession,
  local: string,
  remote: string,
  options: TransferOptions | undefined
): AsyncIterableIterator<Transfer.Progress> => calls.iterate(uploading, { local, remote }, options)

export const download = (
  { calls }: Core.BaseSession,
  remote: string,
  local: string,
  options: TransferOptions | undefined
): AsyncIterableIterator<Transfer.Progress> => calls.iterate(downloading, { local, remote }, options)
