// The least that a program on `effect` and the platform's client for `fetch` costs.
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"

globalThis.get = (url) =>
  HttpClient.get(url).pipe(
    Effect.flatMap((response) => response.json),
    Effect.provide(FetchHttpClient.layer),
    Effect.runPromise
  )
