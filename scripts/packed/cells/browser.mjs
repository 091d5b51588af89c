// Bundles of core for browsers and workers. They run in a context that has the globals of the web alone, and in a page and
// a worker of Chromium where there is one.
import { readFileSync, statSync } from "node:fs"
import * as Http from "node:http"
import { join } from "node:path"
import { createContext, runInContext } from "node:vm"
import { gzipSync } from "node:zlib"
import { chromium } from "../projects.mjs"
import { run, start } from "../run.mjs"

const answer = "the answer is 42"

const bundled = async ({ bundlers }, name) => {
  const cwd = await bundlers()
  const target = join(cwd, `${name}.min.js`)
  const args = [`${name}.mjs`, "--bundle", "--platform=browser", "--format=iife", "--target=es2022", "--minify"]
  await run(join(cwd, "node_modules/.bin/esbuild"), [...args, "--log-level=warning", `--outfile=${target}`], { cwd })
  return target
}

const expectAnswer = (found) => {
  if (found !== answer) throw new Error(`expected "${answer}", but it was ${JSON.stringify(found)}`)
}

/** Not `process`, `Buffer`, `require` or `global`. */
const webGlobals = () => {
  const names = [
    "AbortController",
    "AbortSignal",
    "Headers",
    "Request",
    "Response",
    "TextDecoder",
    "TextEncoder",
    "URL"
  ]
  const functions = ["clearInterval", "clearTimeout", "fetch", "queueMicrotask", "setInterval", "setTimeout"]
  const others = ["FormData", "ReadableStream", "URLSearchParams", "console", "crypto", "performance"]
  return Object.fromEntries([...names, ...functions, ...others].map((name) => [name, globalThis[name]]))
}

const sizes = async (projects) => {
  const gzipped = (file) => `${(gzipSync(readFileSync(file), { level: 9 }).length / 1000).toFixed(1)} kB`
  const [own, bare] = [await bundled(projects, "browser"), await bundled(projects, "bareClient")]
  const text = readFileSync(own, "utf8")
  if (/["']node:|\brequire\(/.test(text)) throw new Error("the bundle asks for a module of Node")
  return `gzipped ${gzipped(own)}, effect and the platform's client alone ${gzipped(bare)} (${
    statSync(own).size
  } bytes as it is)`
}

const inContext = async (projects) => {
  const { AGB_API_KEY, AGB_ENDPOINT } = await projects.cloud()
  const context = createContext(webGlobals())
  runInContext(readFileSync(await bundled(projects, "browser"), "utf8"), context)
  expectAnswer(await context.runSession(AGB_ENDPOINT, AGB_API_KEY))
}

const page = (script) => `<!doctype html><title>session</title><script>${script}</script>`

const scripts = (key) => {
  const session = `runSession(location.origin, ${JSON.stringify(key)}).then(String, String)
    .then((body) => fetch("/result", { method: "POST", body }))`
  const worker = `importScripts("/session.js"); ${session}`
  return {
    "/page": ["text/html", `<!doctype html><script src="/session.js"></script><script>${session}</script>`],
    "/worker": ["text/html", page(`new Worker("/worker.js")`)],
    "/worker.js": ["text/javascript", worker]
  }
}

/** Passes a request of the page on, since the local runtime answers no page. */
const passOn = (endpoint, request, reply) => {
  const { "content-type": type, authorization } = request.headers
  const headers = Object.fromEntries(
    Object.entries({ "content-type": type, authorization }).filter(([, value]) => value)
  )
  const onwards = Http.request(`${endpoint}${request.url}`, { method: request.method, headers }, (answer) => {
    reply.writeHead(answer.statusCode, { "content-type": answer.headers["content-type"] ?? "text/plain" })
    answer.pipe(reply)
  })
  onwards.on("error", () => reply.destroy())
  request.pipe(onwards)
}

/** Serves pages and their scripts; `result` is what one of them reports. */
const listen = async (session, { AGB_API_KEY, AGB_ENDPOINT }) => {
  const served = { ...scripts(AGB_API_KEY), "/session.js": ["text/javascript", session] }
  let report
  const result = new Promise((resolve) => {
    report = resolve
  })
  const server = Http.createServer(async (request, reply) => {
    const [type, text] = served[request.url] ?? []
    if (type !== undefined) return reply.writeHead(200, { "content-type": type }).end(text)
    if (request.url !== "/result") return passOn(AGB_ENDPOINT, request, reply)
    const chunks = await request.toArray()
    reply.end()
    report(Buffer.concat(chunks).toString())
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  return { origin: `http://127.0.0.1:${server.address().port}`, result, close: () => server.close() }
}

const patience = 120_000

const inChromium = (path) => async (projects) => {
  const session = readFileSync(await bundled(projects, "browser"), "utf8")
  const { close, origin, result } = await listen(session, await projects.cloud())
  const profile = projects.empty(`chromium${path.replace("/", "-")}`)
  const args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
  const browser = start(chromium, [...args, `--user-data-dir=${profile}`, `${origin}${path}`], {
    cwd: profile,
    env: { HOME: profile }
  })
  const ended = new Promise((resolve) => browser.once("close", (code) => resolve(`Chromium ended with ${code}`)))
  const timer = setTimeout(() => process.kill(-browser.pid, "SIGKILL"), patience)
  try {
    expectAnswer(await Promise.race([result, ended]))
  } finally {
    clearTimeout(timer)
    process.kill(-browser.pid, "SIGKILL")
    await ended
    close()
  }
}

export const cells = [
  ["size", sizes],
  ["web globals alone", inContext],
  ...(chromium === undefined
    ? []
    : [["page in Chromium", inChromium("/page")], ["worker in Chromium", inChromium("/worker")]])
].map(([name, run]) => ({ group: "browser", name, run }))
