/**
 * Sessions as durable steps of `@effect/workflow`: a session that belongs to an execution of a workflow rather than to a process,
 * and steps in it that have their effect once, however often the engine runs them.
 */
export * as AgbWorkflow from "./AgbWorkflow.js"
