/**
 * The platform's `KeyValueStore` over a context. It is not part of the index, since the declarations of `KeyValueStore` need
 * those of the DOM: import it from `@effect-agb/core/ContextStore`.
 *
 * @since 0.1.0
 */
import type * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ClientError } from "./AgbError.js"
import { Contexts } from "./Contexts.js"
import * as contextStore from "./internal/session/contextStore.js"

/**
 * Layer of the platform's `KeyValueStore` over a whole context, which is created if there is none of this name. Each key is a file
 * at the root of the context; `clear` clears the context. The size of a value is bounded by `maxResponseBytes`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  name: string
): Layer.Layer<KeyValueStore.KeyValueStore, ClientError, Contexts> =>
  Layer.unwrapEffect(
    Effect.gen(function*() {
      const service = yield* Contexts
      const { id } = yield* service.getOrCreate(name)
      return contextStore.layer(service, id)
    })
  )
