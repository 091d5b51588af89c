/**
 * Databases of the engine. `SingleRunner` of @effect/cluster runs all in one process, over SQLite for example; several runners need a database
 * that several processes can use.
 */
export * as AgbEngine from "./AgbEngine.js"

/**
 * Sessions as entities of `@effect/cluster`: each has a name by which every runner reaches it, outlives the runner that works in it, and is
 * deleted when it is closed or nobody uses it.
 */
export * as AgbEntity from "./AgbEntity.js"

/**
 * Sessions on machines of your own: runners that host a local runtime, and an `Agb` that places sessions among them by load. A session stays
 * where it was created, and is reached from every runner; with its host it is lost.
 */
export * as AgbHosts from "./AgbHosts.js"

/**
 * The number of sessions that an account may have at once, kept by all runners of a cluster together: who wants one waits, first come first
 * served, and what the service asks one of them by `Retry-After` holds for all.
 */
export * as AgbQuota from "./AgbQuota.js"

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
