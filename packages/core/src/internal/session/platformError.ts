/** Errors of the platform's own kind. */
import type { PlatformError } from "@effect/platform/Error"
import { BadArgument, SystemError } from "@effect/platform/Error"

/** The errors of the oldest versions of the platform are made by functions, which have no prototype and take the whole message. */
const errorOf = <P extends { readonly description?: string | undefined }, A>(Class: new(props: P) => A, props: P): A =>
  Class.prototype === undefined
    ? (Class as unknown as (props: P) => A)({ ...props, message: props.description })
    : new Class(props)

export const badArgument = (props: ConstructorParameters<typeof BadArgument>[0]): PlatformError =>
  errorOf(BadArgument, props)

export const systemError = (props: ConstructorParameters<typeof SystemError>[0]): PlatformError =>
  errorOf(SystemError, props)
