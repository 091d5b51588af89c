// The least that a file over HTTP costs: `node:http` in a process of its own, which writes what it is sent to a file, or
// answers with one.
import { createReadStream, createWriteStream } from "node:fs"
import { createServer } from "node:http"
import { pipeline } from "node:stream/promises"

const [file = ""] = process.argv.slice(2)

const server = createServer((request, response) => {
  const moved = request.method === "PUT"
    ? pipeline(request, createWriteStream(file)).then(() => response.end())
    : pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), response)
  moved.catch(() => response.destroy())
}).listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.send?.(typeof address === "object" ? address?.port : undefined)
})
