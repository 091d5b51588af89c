/** What the backend hands out that nobody else may see. */
export const secrets = {
  apiKey: "akm-secret-5b7d",
  token: "token-secret-4f1c",
  access: "access-secret-9a2e",
  authCode: "authcode-secret-77b0",
  connection: "connection-secret-1d55",
  ticket: "ticket-secret-c3d8",
  signature: "signature-secret-51e7"
} as const

/** Names that no resolver knows (RFC 6761). */
export const endpoint = "https://api.agb.test"

export const storageOrigin = "https://storage.agb.test"
