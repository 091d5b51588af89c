// Files over bare `node:http`, without a session: what any transfer over HTTP costs on this machine.
import { fork } from "node:child_process"
import { once } from "node:events"
import { createReadStream, createWriteStream } from "node:fs"
import { get, type IncomingMessage, request } from "node:http"
import { pipeline } from "node:stream/promises"
import { fileURLToPath } from "node:url"

export interface BareHttp {
  readonly upload: (source: string) => Promise<void>
  /** What was uploaded last. */
  readonly download: (copy: string) => Promise<void>
  readonly stop: () => void
}

/** The server keeps one file, at this path. */
export const startBareHttp = async (file: string): Promise<BareHttp> => {
  const child = fork(fileURLToPath(new URL("./bareServer.js", import.meta.url)), [file])
  const [port] = await once(child, "message")
  const options = { host: "127.0.0.1", port: Number(port) }
  return {
    upload: async (source) => {
      const put = request({ ...options, method: "PUT" })
      const replied = once(put, "response")
      await pipeline(createReadStream(source, { highWaterMark: 2 ** 20 }), put)
      const [reply]: Array<IncomingMessage> = await replied
      if (reply !== undefined) await once(reply.resume(), "end")
    },
    download: async (copy) => {
      const [reply]: Array<IncomingMessage> = await once(get(options), "response")
      if (reply !== undefined) await pipeline(reply, createWriteStream(copy))
    },
    stop: () => void child.kill()
  }
}
