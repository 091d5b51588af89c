/** The file to start with `node` instead of `source`, an absolute path; built once in each process. */
export const testProgram: (source: string) => Promise<string>
