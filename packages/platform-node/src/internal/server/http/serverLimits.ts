/** What one client of the server may use. */
export interface ServerLimits {
  // Sizes in bytes, and counts.
  readonly bodyBytes: number
  readonly headerBytes: number
  readonly jsonDepth: number
  readonly frameBytes: number
  readonly unsentBytes: number
  readonly connections: number
  readonly unauthenticatedConnections: number
  readonly requestsPerConnection: number
  readonly socketsPerSession: number
  readonly callsPerSocket: number
  // Times in milliseconds.
  readonly headers: number
  readonly body: number
  readonly idle: number
  readonly stall: number
  readonly heartbeat: number
  readonly drain: number
}
