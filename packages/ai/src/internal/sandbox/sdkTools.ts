/** The tools of the table as tools of the AI SDK. */
import { jsonSchema, type Tool, tool, type ToolExecutionOptions } from "ai"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as JSONSchema from "effect/JSONSchema"
import * as Schema from "effect/Schema"
import { decodeParameters } from "../tools/decodeParameters.js"
import { definitions, type ToolName } from "../tools/definitions.js"
import type { AccountError } from "../tools/failures.js"
import * as handlers from "../tools/handlers.js"
import { type Figure, Problem } from "../tools/results.js"
import { promise } from "./promises.js"

/** All of it is JSON, since results are kept in messages. */
export interface Output {
  /** The result as `AgbToolkit` has it. */
  readonly result: unknown
  /** The figures, as base64. */
  readonly images: ReadonlyArray<{ readonly mediaType: string; readonly data: string }>
}

const imagesOf = (result: object): Output["images"] =>
  "figures" in result && Array.isArray(result.figures)
    ? result.figures.flatMap(({ data, mimeType }: Figure) =>
      data === undefined ? [] : [{ mediaType: mimeType, data: Encoding.encodeBase64(data) }]
    )
    : []

const modelOutput = ({ output: { images, result } }: { readonly output: Output }) => ({
  type: "content" as const,
  value: [
    { type: "text" as const, text: JSON.stringify(result) },
    ...images.map(({ data, mediaType }) => ({
      type: "file" as const,
      mediaType,
      data: { type: "data" as const, data }
    }))
  ]
})

type Handler = (parameters: unknown) => Effect.Effect<object, AccountError>

const toolOf = (name: ToolName, handler: Handler): Tool<unknown, Output> => {
  const { description, parameters, success } = definitions[name]
  const struct = Schema.Struct(parameters as Schema.Struct.Fields) as unknown as Schema.Schema<unknown>
  const encode = Schema.encode(Schema.Union(success as Schema.Schema<object>, Problem))
  const execute = (input: unknown, { abortSignal }: ToolExecutionOptions<unknown>) =>
    promise(
      decodeParameters(name, input).pipe(
        Effect.flatMap(handler),
        Effect.flatMap((result) =>
          Effect.map(encode(result), (encoded) => ({ result: encoded, images: imagesOf(result) }))
        )
      ),
      abortSignal
    )
  return tool({
    description,
    inputSchema: jsonSchema<unknown>(JSONSchema.make(struct) as Parameters<typeof jsonSchema>[0]),
    execute,
    toModelOutput: modelOutput
  }) as Tool<unknown, Output>
}

export const make = (options?: handlers.Options) =>
  Effect.map(handlers.make(options), (made) =>
    Object.fromEntries(
      Object.entries(made).map(([name, handler]) => [name, toolOf(name as ToolName, handler as Handler)])
    ) as Readonly<Record<ToolName, Tool<unknown, Output>>>)
