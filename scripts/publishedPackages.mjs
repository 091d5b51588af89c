/** The folders below `packages` of libraries that are published, each after those that it needs. */
export const publishedLibraries = ["core", "platform-node", "ai", "cluster"]

/** Those of programs: a bundle, and nothing to import. */
export const publishedPrograms = ["cli"]

export const publishedPackages = [...publishedLibraries, ...publishedPrograms]
