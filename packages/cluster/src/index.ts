/**
 * Sessions as entities of `@effect/cluster`: each has a name by which every runner reaches it, outlives the runner that works in it, and is
 * deleted when it is closed or nobody uses it.
 */
export * as AgbEntity from "./AgbEntity.js"

/**
 * Deletes the sessions of workflows and entities that have ended without deleting them, e.g. because the service did not answer. One runner of
 * a cluster does so for all.
 */
export * as AgbSweeper from "./AgbSweeper.js"

/**
 * Sessions as durable steps of `@effect/workflow`: a session that belongs to an execution of a workflow rather than to a process,
 * and steps in it that have their effect once, however often the engine runs them.
 */
export * as AgbWorkflow from "./AgbWorkflow.js"
