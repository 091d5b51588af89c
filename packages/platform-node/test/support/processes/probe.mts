/** What a host in this situation is told when it asks for namespaces, or for the best there is. */
import { Effect, Either } from "effect"
import { probe } from "../../../src/Isolation.js"

const request = process.argv[2] === "auto" ? "auto" : "namespaces"
const answer = await Effect.runPromise(Effect.either(probe(request)))
process.stdout.write(
  Either.isLeft(answer) ? `${answer.left._tag}: ${answer.left.message}` : `works: ${answer.right.mechanism}`
)
