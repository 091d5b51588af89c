/**
 * The SDK on Node for programs that do not use Effect: promises of plain results, told apart by `success`, against the
 * AGB cloud or on this machine.
 */
export * as AgbPromise from "./AgbPromise.js"

/**
 * How far sandboxed code is kept away from this machine. A level is always stated and never silently lowered: where the
 * level that was asked for cannot be had, {@link probe} fails and says what to do.
 */
export * as Isolation from "./Isolation.js"

/**
 * The local runtime: a server, on loopback unless configured otherwise, that speaks the wire of the AGB cloud and runs
 * real processes in sandboxes. Provide its layer in place of the cloud's, and the same program runs without an account or
 * a network.
 */
export * as LocalAgb from "./LocalAgb.js"

/**
 * The SDK on Node, connected to the AGB cloud or to any server that speaks its wire.
 */
export * as NodeAgb from "./NodeAgb.js"
