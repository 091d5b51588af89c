// One tool call: what the SDK adds to a bare undici request to the same server.
import { Agb, AgbConfig, Session } from "@effect-agb/core"
import { NodeAgb } from "@effect-agb/platform-node"
import { AGB } from "@effect-agb/platform-node/AgbPromise"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { Effect, Layer, ManagedRuntime, Tracer } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { request } from "undici"
import { type Alternative, compare } from "./compare.js"

const apiKey = "akm-bench"

const startServer = async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL("cannedServer.mjs", import.meta.url))])
  const [line] = await once(child.stdout, "data") as [Buffer]
  return { endpoint: `http://127.0.0.1:${line.toString().trim()}`, stop: () => child.stdin.end() }
}

const bare = (endpoint: string): Alternative => {
  const body = JSON.stringify({
    sessionId: "s-1",
    name: "shell",
    args: JSON.stringify({ command: "echo hello", timeout_ms: 1000 })
  })
  return {
    name: "bare undici request, JSON.parse twice",
    run: async () => {
      const reply = await request(`${endpoint}/mcp?autoGenSession=false`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
        body
      })
      const envelope = await reply.body.json() as { data: { content: [{ text: string }] } }
      return JSON.parse(envelope.data.content[0].text) as unknown
    }
  }
}

/** A tracer that keeps spans, as an exporter would. */
const keepSpans = Effect.sync(() => {
  const spans: Array<Tracer.Span> = []
  return Layer.setTracer(Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const span: Tracer.Span = {
        _tag: "Span",
        name,
        spanId: "1",
        traceId: "1",
        parent,
        context,
        links: [...links],
        sampled: true,
        kind,
        attributes,
        status: { _tag: "Started", startTime },
        end: () => {
          if (spans.push(span) > 1000) spans.length = 0
        },
        attribute: (key, value) => void attributes.set(key, value),
        event: () => {},
        addLinks: () => {}
      }
      return span
    },
    context: (f) => f()
  }))
})

const throughEffect = async (
  name: string,
  layer: Layer.Layer<Agb.Agb, unknown>,
  tracer: Layer.Layer<never>,
  stops: Array<() => Promise<void>>
): Promise<Alternative> => {
  const runtime = ManagedRuntime.make(Layer.merge(Session.layer({ imageId: "i" }).pipe(Layer.provide(layer)), tracer))
  const session = await runtime.runPromise(Session.Session)
  stops.push(() => runtime.dispose())
  return { name, run: () => runtime.runPromise(session.command.executeCommand("echo hello")) }
}

export const toolCall = async (): Promise<void> => {
  const { endpoint, stop } = await startServer()
  const stops: Array<() => Promise<void>> = []
  const options = { apiKey, endpoint }
  const node = NodeAgb.layer(options)
  const over = (http: typeof FetchHttpClient.layer) =>
    Agb.layer.pipe(Layer.provide(http), Layer.provide(AgbConfig.layer(options)))
  const agb = new AGB(options)
  const created = await agb.create({ imageId: "i" })
  if (!created.success) throw new Error(created.errorMessage)
  const { session } = created

  await compare("One tool call (canned server in another process)", [
    bare(endpoint),
    await throughEffect("Effect client, NodeAgb, no tracer", node, Layer.empty, stops),
    await throughEffect("Effect client, NodeAgb, with a tracer", node, Layer.unwrapEffect(keepSpans), stops),
    { name: "promise adapter", run: () => session.command.executeCommand("echo hello") },
    await throughEffect(
      "Effect client over the platform's undici client",
      over(NodeHttpClient.layerUndici),
      Layer.empty,
      stops
    ),
    await throughEffect(
      "Effect client over the platform's fetch client",
      over(FetchHttpClient.layer),
      Layer.empty,
      stops
    )
  ], { rounds: 60, batch: 50, warmup: 20 })

  await agb.dispose()
  for (const end of stops) await end()
  stop()
}
