/** How large the answers of an agent may be: it cuts them to these sizes, and the host takes no more. */

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

const between = (least: number, value: number, most: number) => Math.min(Math.max(least, Math.floor(value)), most)

/** All results of a run together, as JSON in UTF-8. `outputBytes` is what is kept of each stream of a call. */
export const resultsBytes = (outputBytes: number) => between(mebibyte, 31 * outputBytes, 31 * mebibyte)

/** The JSON of lists and differences: entries of a directory, paths that were found, changes, a diff. */
export const listBytes = 8 * mebibyte

/** Characters of the text of an error and of its traceback, each. */
export const errorLength = (outputBytes: number) => between(64 * kibibyte, outputBytes, mebibyte)

/** Cost of the JSON that results of a run may hold beside each other. */
export const resultsCost = 2 ** 20

/** The listing of a tree of files. */
export const treeBytes = 32 * mebibyte
