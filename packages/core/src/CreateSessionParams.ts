/**
 * Parameters for creating a session.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ImageId, Labels } from "./internal/wire/models.js"
import { ownPrefix } from "./internal/wire/ownLabels.js"
import { ContextMount } from "./internal/wire/persistence.js"

export type {
  /**
   * A directory of a new session that a context persists: its content is brought into the session, and saved at the end.
   *
   * @since 0.1.0
   * @category models
   */
  ContextMount,
  /**
   * A context, or its id.
   *
   * @since 0.1.0
   * @category models
   */
  ContextRef,
  /**
   * When a directory is brought into the session and saved, which paths, and for how long; absent fields have the defaults of
   * the cloud: all of it, both ways, for ever.
   *
   * @since 0.1.0
   * @category models
   */
  PolicyInput
} from "./internal/wire/persistence.js"

const IdleTimeout = Schema.declare(
  (input): input is Duration.DurationInput =>
    Option.exists(
      Duration.decodeUnknown(input),
      (duration) => Duration.between(duration, { minimum: "1 second", maximum: "1 day" })
    ),
  { description: "a duration from 1 second to 1 day" }
)

const OwnLabels = Labels.pipe(
  Schema.filter((labels) => !Object.keys(labels).some((name) => name.startsWith(ownPrefix)), {
    description: `labels whose names do not begin with ${ownPrefix}, which is reserved for the SDK`
  })
)

/**
 * Schema of the parameters, for validating plain objects.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Fields = Schema.Struct({
  imageId: ImageId,
  labels: Schema.optional(OwnLabels),
  idleTimeout: Schema.optional(IdleTimeout),
  policyId: Schema.optional(Schema.NonEmptyString),
  contexts: Schema.optional(
    Schema.Array(ContextMount).pipe(Schema.maxItems(100, { description: "an array of at most 100 contexts" }))
  )
}).annotations({ parseOptions: { onExcessProperty: "error" } })

/**
 * Parameters of a session: the image, labels to find it by, the policy id, the contexts that persist its directories, and the
 * idle timeout after which the server releases it (default 5 minutes, rounded up to whole seconds; the SDK keeps the session
 * alive while the program runs).
 *
 * The constructor never throws: the values are validated when the session is created, before anything is sent. A plain object
 * with the same fields is accepted as well.
 *
 * @since 0.1.0
 * @category models
 */
export class CreateSessionParams extends Schema.Class<CreateSessionParams>("@effect-agb/core/CreateSessionParams")(
  Fields.fields
) {
  constructor(params: Input) {
    super(params, { disableValidation: true })
  }
}

/**
 * Parameters of a session: an instance or a plain object.
 *
 * @since 0.1.0
 * @category models
 */
export type Input = typeof Fields.Type
