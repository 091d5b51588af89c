/** The folders below `packages` of what is published, each after those that it needs. */
export const publishedPackages = ["core", "platform-node", "ai"]
