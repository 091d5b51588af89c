/**
 * What a session is created with.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { attemptLabel } from "./internal/wire/attemptLabel.js"
import { ImageId, Labels } from "./internal/wire/models.js"

const IdleTimeout = Schema.declare(
  (input): input is Duration.DurationInput =>
    Option.exists(
      Duration.decodeUnknown(input),
      (duration) => Duration.between(duration, { minimum: "1 second", maximum: "1 day" })
    ),
  { description: "a duration from 1 second to a day" }
)

const OwnLabels = Labels.pipe(Schema.filter((labels) => !Object.hasOwn(labels, attemptLabel), {
  description: `labels without ${attemptLabel}, which this SDK sets itself`
}))

/**
 * The fields, for checking plain objects.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Fields = Schema.Struct({
  imageId: ImageId,
  labels: Schema.optional(OwnLabels),
  idleTimeout: Schema.optional(IdleTimeout),
  policyId: Schema.optional(Schema.NonEmptyString)
})

/**
 * The image to start, labels to find the session by, and for how long it may be idle before the server releases it
 * (default 5 minutes, whole seconds, rounded up; the SDK keeps it alive as long as the program runs).
 *
 * Constructing never throws: the values are checked when the session is created, before anything is sent. A plain
 * object of the same fields does as well.
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
 * What a session can be created with: an instance or a plain object.
 *
 * @since 0.1.0
 * @category models
 */
export type Input = typeof Fields.Type
