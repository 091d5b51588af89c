/** `agb open`: the page of a session, or of the local runtime, in the browser. */
import { AgbClient } from "@effect-agb/core/AgbClient"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import { UsageError } from "../failure.js"
import { note, printJson, printLine } from "../output/write.js"
import { existing } from "../session/backend.js"
import * as options from "../session/options.js"

const config = {
  session: Options.text("session").pipe(
    Options.withAlias("s"),
    Options.withSchema(Schema.NonEmptyString),
    Options.withDescription("the page of this session; otherwise that of the local runtime, which lists its sessions"),
    Options.optional
  ),
  readOnly: Options.boolean("read-only").pipe(
    Options.withDescription("a page that shows everything and changes nothing")
  ),
  print: Options.boolean("print").pipe(
    Options.withDescription("prints the address, which works once within 30 minutes, and opens nothing")
  ),
  ...options.existing
}

const timeoutMs = 30_000

/** The page could not be opened. */
export class OpenError extends Data.TaggedError("OpenError")<{ readonly message: string }> {}

interface Wanted {
  readonly sessionId?: string
  readonly access: "read" | "steer"
}

/** Asks a local runtime for an address; undefined where the server knows no pages, as the cloud. */
const askRuntime = ({ config: { apiKey, endpoint } }: AgbClient.Service, wanted: Wanted) =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(`${endpoint.replace(/\/+$/, "")}/pages`, {
        method: "POST",
        headers: { authorization: `Bearer ${Redacted.value(apiKey)}`, "content-type": "application/json" },
        body: JSON.stringify(wanted),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      })
      return { status: response.status, reply: await response.json().catch(() => ({})) as unknown }
    },
    catch: () => new OpenError({ message: `${endpoint} cannot be reached` })
  }).pipe(Effect.flatMap(({ reply, status }) => {
    const { code, message, url } = Predicate.isRecord(reply) ? reply : {}
    if (typeof url === "string") return Effect.succeed(url)
    const isUnknown = status === 404 && code !== "InvalidMcpSession.NotFound"
    return isUnknown
      ? Effect.succeed(undefined)
      : Effect.fail(
        new OpenError({ message: typeof message === "string" ? message : `the server answered ${status}` })
      )
  }))

const noPages = (what: string) =>
  new UsageError({ message: `${what} is a page of the local runtime: export the AGB_ENDPOINT that agb local prints` })

/** The address of a page. In the cloud it is what the session says. */
const addressOf = (client: AgbClient.Service, { access, sessionId }: Wanted) =>
  Effect.gen(function*() {
    const url = yield* askRuntime(client, { access, ...(sessionId === undefined ? {} : { sessionId }) })
    if (url !== undefined) return url
    if (sessionId === undefined) return yield* noPages("the list of sessions")
    if (access === "read") return yield* noPages("--read-only")
    const { resourceUrl } = yield* client.getMcpResource({ sessionId })
    return resourceUrl ?? (yield* new OpenError({ message: "the server tells no address of a session" }))
  })

const openers: Readonly<Record<string, readonly [program: string, ...args: ReadonlyArray<string>]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", "\"\""]
}

/** Whether the system has taken the address; its program goes on without this one. */
const openInBrowser = (url: string): Effect.Effect<boolean> =>
  Effect.async((resume) => {
    const [program, ...args] = openers[process.platform] ?? ["xdg-open"]
    const child = spawn(program, [...args, url], { detached: true, stdio: "ignore" })
    child.once("error", () => resume(Effect.succeed(false)))
    child.once("exit", (code) => resume(Effect.succeed(code === 0)))
    // A browser that was not running yet may stay in the foreground.
    const timer = setTimeout(() => resume(Effect.succeed(true)), 3000)
    child.once("close", () => clearTimeout(timer))
    child.unref()
  })

export const open = Command.make("open", config, (given) =>
  Effect.gen(function*() {
    const client = yield* AgbClient
    const sessionId = Option.getOrUndefined(given.session)
    const access = given.readOnly ? "read" : "steer"
    const url = yield* addressOf(client, { access, ...(sessionId === undefined ? {} : { sessionId }) })
    if (given.json) return yield* printJson({ url })
    if (given.print) return yield* printLine(url)
    if (yield* openInBrowser(url)) return
    yield* note("no browser could be started; the address works once, within 30 minutes:")
    yield* printLine(url)
  }).pipe(Effect.provide(existing(given)))).pipe(
    Command.withDescription(
      "Opens the page of a session in the browser: what runs in it, its files, processes and a terminal."
    )
  )
