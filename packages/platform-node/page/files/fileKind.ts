/** What a file is shown as, by its name and its first bytes. */

const imageTypes: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  svg: "image/svg+xml"
}

export const extensionOf = (path: string): string => /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ""

export const imageType = (path: string): string | undefined => imageTypes[extensionOf(path)]

const textLimit = 256 * 1024
const wholeLimit = 16 * 2 ** 20

/** Of what cannot be shown in part more is asked for. */
export const limitOf = (path: string): number =>
  imageType(path) !== undefined || extensionOf(path) === "ipynb" || extensionOf(path) === "json"
    ? wholeLimit
    : textLimit

/** Text has no zero bytes and few that are not UTF-8. */
export const textOf = (bytes: Uint8Array<ArrayBuffer>): string | undefined => {
  if (bytes.subarray(0, 8192).includes(0)) return undefined
  const text = new TextDecoder().decode(bytes)
  const broken = text.slice(0, 8192).split("\uFFFD").length - 1
  return broken > text.length / 20 + 1 ? undefined : text
}
