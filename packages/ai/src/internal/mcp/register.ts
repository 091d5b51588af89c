/** The toolkit and the files of the session on a server of MCP. */
import type { FileSystemError } from "@effect-agb/core/FileSystem"
import { FileSystem } from "@effect-agb/core/FileSystem"
import * as McpSchema from "@effect/ai/McpSchema"
import { McpServer } from "@effect/ai/McpServer"
import * as Tool from "@effect/ai/Tool"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as AgbToolkit from "../../AgbToolkit.js"
import { decodeParameters } from "../tools/decodeParameters.js"
import type { Figure } from "../tools/results.js"

interface Result {
  readonly figures?: ReadonlyArray<Figure>
  readonly problem?: string
}

const isResult = (value: unknown): value is Result => typeof value === "object" && value !== null

const images = ({ figures = [] }: Result) =>
  figures.flatMap(({ data, mimeType }) => data === undefined ? [] : [{ type: "image" as const, data, mimeType }])

/** Clients tell their models that a call has failed, and what it said. */
const toolResult = (result: unknown, encoded: unknown) =>
  new McpSchema.CallToolResult({
    isError: isResult(result) && result.problem !== undefined,
    structuredContent: encoded,
    content: [{ type: "text", text: JSON.stringify(encoded) }, ...isResult(result) ? images(result) : []]
  })

const described = ({ annotations, description, name, parametersSchema }: Tool.Any) =>
  new McpSchema.Tool({
    name,
    description,
    inputSchema: Tool.getJsonSchemaFromSchemaAst(parametersSchema.ast),
    annotations: new McpSchema.ToolAnnotations({
      title: Option.getOrElse(Context.getOption(annotations, Tool.Title), () => name),
      readOnlyHint: Context.get(annotations, Tool.Readonly),
      destructiveHint: Context.get(annotations, Tool.Destructive),
      idempotentHint: Context.get(annotations, Tool.Idempotent)
    })
  })

const registerTools = Effect.gen(function*() {
  const server = yield* McpServer
  const { handle, tools } = yield* AgbToolkit.toolkit
  yield* Effect.forEach(Object.values(tools), (tool) =>
    server.addTool({
      tool: described(tool),
      handle: (parameters) =>
        decodeParameters(tool.name, parameters).pipe(
          Effect.zipRight(handle(tool.name, parameters)),
          Effect.match({
            onFailure: ({ message }) =>
              new McpSchema.CallToolResult({ isError: true, content: [{ type: "text", text: message }] }),
            onSuccess: ({ encodedResult, result }) => toolResult(result, encodedResult)
          })
        )
    }), { discard: true })
})

/** More would not fit into what clients take. */
const maxBytes = 8 * 2 ** 20

const text = (bytes: Uint8Array): string | undefined => {
  try {
    const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
    return decoded.includes("\0") ? undefined : decoded
  } catch {
    return undefined
  }
}

const pathOf = (uri: string): string | undefined => {
  try {
    const { host, pathname } = new URL(uri)
    return host === "" ? decodeURIComponent(pathname) : undefined
  } catch {
    return undefined
  }
}

/** A directory reads as the list of its names. */
const read = (files: FileSystem, path: string): Effect.Effect<Uint8Array | string, FileSystemError> =>
  files.readFileBytes(path, { maxBytes }).pipe(
    Effect.catchIf(
      (error) => error._tag === "FileError" && error.reason === "IsDirectory",
      () =>
        Effect.map(
          files.listDirectory(path),
          (entries) => entries.map(({ isDirectory, name }) => isDirectory ? `${name}/` : name).join("\n")
        )
    )
  )

const contentOf = (uri: string, content: Uint8Array | string) => {
  const decoded = typeof content === "string" ? content : text(content)
  return decoded === undefined ? { uri, blob: content as Uint8Array } : { uri, text: decoded }
}

const registerFiles = Effect.gen(function*() {
  const server = yield* McpServer
  const files = yield* FileSystem
  yield* server.addResourceTemplate({
    template: new McpSchema.ResourceTemplate({
      uriTemplate: "file:///{+path}",
      name: "Files of the sandbox",
      description: "A file of the sandbox by its absolute path, or the names in a directory."
    }),
    // The colon of a literal is doubled in the router's patterns.
    routerPath: "file:::///*",
    completions: {},
    handle: (uri) => {
      const path = pathOf(uri)
      if (path === undefined) {
        return Effect.fail(new McpSchema.InvalidParams({ message: "uri must be file:///<absolute path>" }))
      }
      return Effect.map(read(files, path), (content) => ({ contents: [contentOf(uri, content)] })).pipe(
        Effect.mapError(({ message }) => new McpSchema.InvalidParams({ message }))
      )
    }
  })
})

export const register = Effect.zipRight(registerTools, registerFiles)
