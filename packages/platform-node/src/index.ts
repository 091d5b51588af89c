/**
 * The SDK on Node for programs without Effect: promises of plain result objects with a `success` field, against the AGB cloud
 * or the local runtime.
 */
export * as AgbPromise from "./AgbPromise.js"

/**
 * How sandboxed code is separated from this machine. The level in force is always reported and never silently lowered:
 * where the requested level is not available, {@link probe} fails and says what to do.
 */
export * as Isolation from "./Isolation.js"

/**
 * The local runtime: a server, on loopback unless configured otherwise, that speaks the wire of the AGB cloud and runs
 * real processes in sandboxes. Provide its layer in place of the cloud's, and the same program runs without an account or
 * a network.
 */
export * as LocalAgb from "./LocalAgb.js"

/**
 * The program `agb-local`: the local runtime as a server for clients in any language, and for programs that have it as a
 * command of theirs.
 */
export * as LocalProgram from "./LocalProgram.js"

/**
 * The SDK on Node, connected to the AGB cloud or to any server that speaks its wire.
 */
export * as NodeAgb from "./NodeAgb.js"
