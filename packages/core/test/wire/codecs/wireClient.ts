/** A client of the wire whose network is a function. */
import { AgbApi, AgbClient, AgbConfig, type AgbError, type AgbServer, Transport } from "@effect-agb/core"
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, SchemaAST } from "effect"

export const names = Object.keys(AgbApi.endpoints) as ReadonlyArray<AgbApi.EndpointName>

export type Call = (request: unknown) => Effect.Effect<unknown, AgbError.ClientError>

export interface Reply {
  readonly status: number
  readonly body: string
}

export const clientOf = (answer: (request: AgbServer.HttpRequest) => Effect.Effect<Reply>) =>
  Effect.map(AgbClient.make, (client) => (name: AgbApi.EndpointName): Call => client[name] as Call).pipe(
    Effect.provide(Layer.orDie(AgbConfig.layer({ apiKey: "akm-1", retry: { maxAttempts: 1 } }))),
    Effect.provideService(Transport.Transport, {
      exchange: ({ body = "", method, url }) => {
        const { pathname, searchParams } = new URL(url)
        return Effect.map(answer({ method, path: pathname, query: searchParams, body }), (reply) => ({
          ...reply,
          headers: {}
        }))
      }
    })
  )

const namesOf = ({ ast }: { readonly ast: SchemaAST.AST }): ReadonlyArray<string> => {
  const type = SchemaAST.typeAST(ast)
  return SchemaAST.isTypeLiteral(type) ? type.propertySignatures.map(({ name }) => String(name)) : []
}

/** Those of the fields that an endpoint takes. */
export const requestOf = (name: AgbApi.EndpointName, fields: object): object => {
  const { body, query } = AgbApi.endpoints[name]
  const known = [...namesOf(query), ...namesOf(body)]
  return Object.fromEntries(Object.entries(fields).filter(([field]) => known.includes(field)))
}

/** Every endpoint answered by one function. */
export const handlersOf = (answer: (request: unknown) => unknown): AgbServer.Handlers =>
  Object.fromEntries(
    names.map((name) => [name, (request: unknown) => Effect.sync(() => answer(request))])
  ) as unknown as AgbServer.Handlers

/** The failure of an exit, if it is one; a defect fails the test. */
export const failureOf = <E>(exit: Exit.Exit<unknown, E>): E | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  assert.isTrue(Cause.isFailType(exit.cause), Cause.pretty(exit.cause))
  return exit.cause._tag === "Fail" ? exit.cause.error : undefined
}
