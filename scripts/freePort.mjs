// A TCP port of this machine on which nothing listens at the moment, for programs that must be told one.
import { once } from "node:events"
import { createServer } from "node:net"

export const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address()
  server.close()
  return port
}
