/** What needs a parser. A bundle of its own, because most code needs none and a kernel has to start fast. */
export { rewriteModule } from "./moduleRewrite.js"
export { hasTypedCall } from "./typedCalls.js"
