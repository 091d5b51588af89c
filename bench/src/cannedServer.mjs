// A server that answers every request with the same tool result at once, in a process of its own, so that what is
// measured is the client. It creates a "session" too. Its port is the first line that it prints.
import { createServer } from "node:http"

const envelope = (data) =>
  JSON.stringify({ requestId: "R-1", success: true, code: "ok", message: null, httpStatusCode: 200, data })
const session = envelope({ sessionId: "s-1", success: true })
const status = envelope({ status: "FINISH" })
const text = JSON.stringify({ stdout: "hello\n", stderr: "", exit_code: 0 })
const tool = envelope({ content: [{ type: "text", text }], isError: false })

const server = createServer((request, response) => {
  const body = request.url.startsWith("/mcp?") ? tool : request.url.includes("Info") ? status : session
  request.resume().on("end", () => {
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body)
  })
})
server.listen(0, "127.0.0.1", () => console.log(server.address().port))
process.stdin.resume().on("end", () => process.exit(0))
