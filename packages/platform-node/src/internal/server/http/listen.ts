import * as Effect from "effect/Effect"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"

/** Binds a server and returns its port. */
export const listen = (server: Server, host: string, port: number): Effect.Effect<number, NodeJS.ErrnoException> =>
  Effect.async((resume) => {
    server.once("error", (error) => resume(Effect.fail(error)))
    server.listen(port, host, () => resume(Effect.succeed((server.address() as AddressInfo).port)))
  })
