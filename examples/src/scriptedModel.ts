// A model that says what was written for it, in place of one that costs money: for tests, and to try an agent without a key.
import { LanguageModel, type Response } from "@effect/ai"
import { Effect, Layer, Stream } from "effect"

type Parts = ReadonlyArray<Response.PartEncoded>

const finish = (reason: Response.FinishReason): Response.PartEncoded => ({
  type: "finish",
  reason,
  usage: { inputTokens: undefined, outputTokens: undefined, totalTokens: undefined }
})

/** Calls a tool. */
export const call = (name: string, params: object): Parts => [
  { type: "tool-call", id: `call-${name}`, name, params },
  finish("tool-calls")
]

/** Says something, as the last of its turns. */
export const say = (text: string): Parts => [{ type: "text", text }, finish("stop")]

/** A model of so many turns. */
export const layer = (turns: ReadonlyArray<Parts>): Layer.Layer<LanguageModel.LanguageModel> =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.suspend(() => {
      const left = [...turns]
      return LanguageModel.make({
        generateText: () => Effect.sync(() => [...left.shift() ?? say("There is nothing more to say.")]),
        streamText: () => Stream.empty
      })
    })
  )
