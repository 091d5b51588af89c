/**
 * How secrets are compared: whatever a client shows, both sides are hashed and all of both hashes is looked at. Nothing
 * is measured here, since times on a busy machine say nothing; the comparisons themselves are counted.
 */
import { AgbApi } from "@effect-agb/core"
import { LocalAgb } from "@effect-agb/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Logger, LogLevel, Redacted } from "effect"
import type * as CryptoModule from "node:crypto"
import { createRequire, syncBuiltinESMExports } from "node:module"
import { jsonOf, type RawRequest, sendRequest } from "../support/rawHttp.js"
import { serverLayer } from "../support/runtime.js"

const apiKey = "akm-0c0ffee0-comparisons"

const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" }

const crypto = createRequire(import.meta.url)("node:crypto") as {
  -readonly [K in keyof typeof CryptoModule]: typeof CryptoModule[K]
}

/** Runs an effect and gives the lengths of what was compared meanwhile. */
const comparedBy = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const { timingSafeEqual } = crypto
    const lengths: Array<readonly [number, number]> = []
    crypto.timingSafeEqual = (one, other) => {
      lengths.push([one.byteLength, other.byteLength])
      return timingSafeEqual(one, other)
    }
    syncBuiltinESMExports()
    const restore = Effect.sync(() => {
      crypto.timingSafeEqual = timingSafeEqual
      syncBuiltinESMExports()
    })
    return Effect.ensuring(Effect.map(effect, (result) => ({ result, lengths })), restore)
  })

/** From nothing in common with the secret to all but the last letter, shorter and longer ones among them. */
const guesses = (secret: string): ReadonlyArray<string> => [
  "x",
  "0".repeat(secret.length),
  secret.slice(0, 1),
  secret.slice(0, secret.length / 2),
  secret.slice(0, -1),
  `${secret.slice(0, -1)}${secret.endsWith("0") ? "1" : "0"}`,
  `${secret}0`,
  secret.repeat(20)
]

const upgrade = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="
}

interface Target {
  readonly port: number
  readonly secret: string
  readonly ask: (guess: string) => RawRequest
}

const targets = Effect.gen(function*() {
  const { endpoint } = yield* LocalAgb.LocalAgb
  const port = Number(new URL(endpoint).port)
  const dataOf = <A>(method: string, target: string) =>
    Effect.map(
      sendRequest(port, { method, target, headers, body: method === "POST" ? "{}" : "" }),
      (reply) => (jsonOf(reply) as { readonly data: A }).data
    )
  const { sessionId, token } = yield* dataOf<{ readonly sessionId: string; readonly token: string }>(
    "POST",
    "/mcp/createSession?imageId=agb-browser-use-1"
  )
  const opened = yield* dataOf<{ readonly url: string }>("GET", `/internet/getLink?port=30100&sessionId=${sessionId}`)
  const link = new URL(opened.url)
  const linkToken = link.pathname.split("/")[1] ?? ""
  const linkCall = (headers: Record<string, string>, more: object = {}): RawRequest => ({
    method: "POST",
    target: `/link/${sessionId}/callTool`,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ tool: "shell", args: { command: "true" }, requestId: "r", ...more })
  })
  const onLink = { port: Number(link.port), secret: linkToken }
  const found: Record<string, Target> = {
    "the API": {
      port,
      secret: apiKey,
      ask: (guess) => ({ target: "/sdk/ListSession", headers: { authorization: `Bearer ${guess}` } })
    },
    "a link's header": { port, secret: token, ask: (guess) => linkCall({ "x-access-token": guess }) },
    "a link's body": { port, secret: token, ask: (guess) => linkCall({ "x-access-token": token }, { token: guess }) },
    "a WebSocket's header": {
      port,
      secret: token,
      ask: (guess) => ({ target: `/ws/${sessionId}`, headers: { ...upgrade, "x-access-token": guess } })
    },
    "a WebSocket's query": {
      port,
      secret: token,
      ask: (guess) => ({ target: `/ws/${sessionId}?token=${guess}`, headers: upgrade })
    },
    "the path of a link into a session": { ...onLink, ask: (guess) => ({ target: `/${guess}/` }) },
    "the cookie of a link into a session": {
      ...onLink,
      ask: (guess) => ({ target: "/", headers: { cookie: `agb-link-${link.port}=${guess}` } })
    }
  }
  return found
})

const server = serverLayer({ apiKey: Redacted.make(apiKey), poolSize: 0 })

layer(Layer.provideMerge(server, Logger.minimumLogLevel(LogLevel.None)), {
  excludeTestServices: true,
  timeout: 30_000
})("a secret", (it) => {
  it.effect("is compared by its hash on every route, however much of a guess is right", () =>
    Effect.gen(function*() {
      for (const [title, { ask, port, secret }] of Object.entries(yield* targets)) {
        const counts = new Set<number>()
        for (const guess of guesses(secret)) {
          const { lengths, result } = yield* comparedBy(sendRequest(port, ask(guess)))
          assert.deepStrictEqual(result.statuses, [401], `${title}: ${guess}`)
          assert.isNotEmpty(lengths, `${title}: ${guess} was compared in another way`)
          for (const both of lengths) assert.deepStrictEqual(both, [32, 32], title)
          counts.add(lengths.length)
        }
        assert.lengthOf([...counts], 1, `${title}: the number of comparisons depends on the guess`)
      }
    }))

  it.effect("that signs a URL is compared as a whole too", () =>
    Effect.gen(function*() {
      const { endpoint } = yield* LocalAgb.LocalAgb
      const port = Number(new URL(endpoint).port)
      const dataOf = <A>(name: AgbApi.EndpointName, query: Record<string, string>) => {
        const { method, path } = AgbApi.endpoints[name]
        const target = `${path}?${new URLSearchParams(query)}`
        const asked = sendRequest(port, { method, target, headers, body: method === "POST" ? "{}" : "" })
        return Effect.map(asked, (reply) => (jsonOf(reply) as { readonly data: A }).data)
      }
      const { id } = yield* dataOf<{ id: string }>("getContext", { name: "compared", allowCreate: "true" })
      const { url } = yield* dataOf<{ url: string }>("getContextFileUploadUrl", { contextId: id, filePath: "/f" })
      const { pathname, search } = new URL(url)
      for (const right of [0, 2, 32, 63]) {
        const bent = search.replace(/signature=(\w+)/, (_, text: string) =>
          `signature=${text.slice(0, right)}${
            [...text.slice(right)].map((digit) =>
              digit === "0" ? "1" : "0"
            ).join("")
          }`)
        const { lengths, result } = yield* comparedBy(
          sendRequest(port, { method: "PUT", target: `${pathname}${bent}`, body: "x" })
        )
        assert.deepStrictEqual([result.statuses, lengths], [[403], [[32, 32]]])
      }
    }))
})
