/**
 * What a run displayed, as typed values: text as a string, images as bytes, JSON as a value. A displayed value has one
 * representation or several, each of a MIME type.
 *
 * @since 0.1.0
 */
import type * as PlatformError from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { type CodeResultItem, InvalidRequestError } from "./AgbError.js"
import { describe } from "./internal/client/checks/issues.js"
import { showJson } from "./internal/wire/codecs.js"
import { visibleLines } from "./internal/wire/text/visibleText.js"

/**
 * MIME types whose content is text.
 *
 * @since 0.1.0
 * @category models
 */
export type TextType =
  | "text/plain"
  | "text/html"
  | "text/markdown"
  | "text/latex"
  | "image/svg+xml"
  | "application/javascript"

/**
 * MIME types whose content is bytes.
 *
 * @since 0.1.0
 * @category models
 */
export type BinaryType = "image/png" | "image/jpeg" | "image/gif" | "image/webp" | "application/pdf"

/**
 * A representation as text.
 *
 * @since 0.1.0
 * @category models
 */
export interface Text {
  readonly _tag: "Text"
  readonly mimeType: TextType | (string & {})
  readonly text: string
}

/**
 * A representation as bytes, e.g. an image.
 *
 * @since 0.1.0
 * @category models
 */
export interface Binary {
  readonly _tag: "Binary"
  readonly mimeType: BinaryType | (string & {})
  readonly bytes: Uint8Array
}

/**
 * A representation as a JSON value: `application/json`, and types that end in `json`, such as those of charts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Json {
  readonly _tag: "Json"
  readonly mimeType: "application/json" | (string & {})
  readonly value: unknown
}

/**
 * A representation whose content is not what its type says, e.g. an image that is no base64. It is left as it is.
 *
 * @since 0.1.0
 * @category models
 */
export interface Unreadable {
  readonly _tag: "Unreadable"
  readonly mimeType: string
  readonly content: unknown
}

/**
 * One representation of a displayed value.
 *
 * @since 0.1.0
 * @category models
 */
export type Representation = Text | Binary | Json | Unreadable

interface Kind {
  readonly tag: "Text" | "Binary" | "Json"
  readonly extension: string
}

const kinds: Readonly<Record<string, Kind>> = {
  "text/plain": { tag: "Text", extension: ".txt" },
  "text/html": { tag: "Text", extension: ".html" },
  "text/markdown": { tag: "Text", extension: ".md" },
  "text/latex": { tag: "Text", extension: ".tex" },
  "text/csv": { tag: "Text", extension: ".csv" },
  "image/svg+xml": { tag: "Text", extension: ".svg" },
  "application/javascript": { tag: "Text", extension: ".js" },
  "application/json": { tag: "Json", extension: ".json" },
  "application/geo+json": { tag: "Json", extension: ".geojson" },
  "image/png": { tag: "Binary", extension: ".png" },
  "image/jpeg": { tag: "Binary", extension: ".jpg" },
  "image/gif": { tag: "Binary", extension: ".gif" },
  "image/webp": { tag: "Binary", extension: ".webp" },
  "image/bmp": { tag: "Binary", extension: ".bmp" },
  "application/pdf": { tag: "Binary", extension: ".pdf" }
}

/** Parameters, as in `text/html; charset=utf-8`, say nothing about the kind. */
const bare = (mimeType: string): string => (mimeType.split(";", 1)[0] ?? "").trim().toLowerCase()

const kindOf = (mimeType: string): Kind => {
  const type = bare(mimeType)
  const known = Object.hasOwn(kinds, type) ? kinds[type] : undefined
  if (known !== undefined) return known
  if (/[/+]json$/.test(type)) return { tag: "Json", extension: ".json" }
  if (/\+xml$/.test(type)) return { tag: "Text", extension: ".xml" }
  return /^(image|audio|video)\//.test(type)
    ? { tag: "Binary", extension: ".bin" }
    : { tag: "Text", extension: ".txt" }
}

const decodeBytes = (content: string): Option.Option<Uint8Array> =>
  Either.getRight(Encoding.decodeBase64(content.replace(/\s+/g, "")))

const representation = (mimeType: string, content: unknown): Representation => {
  const { tag } = kindOf(mimeType)
  if (tag === "Json") return { _tag: "Json", mimeType, value: content }
  if (typeof content !== "string") return { _tag: "Unreadable", mimeType, content }
  if (tag === "Text") return { _tag: "Text", mimeType, text: content }
  return Option.match(decodeBytes(content), {
    onNone: (): Representation => ({ _tag: "Unreadable", mimeType, content }),
    onSome: (bytes) => ({ _tag: "Binary", mimeType, bytes })
  })
}

/**
 * All representations of a displayed value, in the order in which the session sent them.
 *
 * @since 0.1.0
 * @category conversions
 */
export const representations = (item: CodeResultItem): ReadonlyArray<Representation> =>
  Object.entries(item.data).map(([mimeType, content]) => representation(mimeType, content))

/**
 * The representation of a displayed value in this type, if it has one.
 *
 * @since 0.1.0
 * @category conversions
 */
export const get: {
  (item: CodeResultItem, mimeType: TextType): Option.Option<Text | Unreadable>
  (item: CodeResultItem, mimeType: BinaryType): Option.Option<Binary | Unreadable>
  (item: CodeResultItem, mimeType: "application/json"): Option.Option<Json>
  (item: CodeResultItem, mimeType: string): Option.Option<Representation>
} = <A extends Representation>(item: CodeResultItem, mimeType: string): Option.Option<A> =>
  Object.hasOwn(item.data, mimeType)
    ? Option.some(representation(mimeType, item.data[mimeType]) as A)
    : Option.none()

/** From what says most to what says least. */
const richest = ["image/png", "image/jpeg", "image/svg+xml", "text/html", "text/markdown", "application/json"]

const rank = ({ _tag, mimeType }: Representation): number => {
  if (_tag === "Unreadable") return richest.length + 3
  const index = richest.indexOf(bare(mimeType))
  if (index !== -1) return index
  return _tag === "Binary" ? 0 : bare(mimeType) === "text/plain" ? richest.length + 2 : richest.length
}

/**
 * The richest representation of a displayed value: an image, else HTML, Markdown, JSON, any other, plain text. None if it has
 * none at all.
 *
 * @since 0.1.0
 * @category conversions
 */
export const best = (item: CodeResultItem): Option.Option<Representation> =>
  Option.fromNullable([...representations(item)].sort((one, other) => rank(one) - rank(other))[0])

/**
 * The usual extension of the files of a MIME type, with its dot: `.png`, `.json`, and `.bin` or `.txt` for unknown types.
 *
 * @since 0.1.0
 * @category conversions
 */
export const extension = (mimeType: string): string => kindOf(mimeType).extension

const encoder = new TextEncoder()

/** The content of its file; `undefined` if it is unreadable. */
const bytesOf = (representation: Representation): Uint8Array | undefined => {
  switch (representation._tag) {
    case "Binary":
      return representation.bytes
    case "Text":
      return encoder.encode(representation.text)
    case "Json":
      return encoder.encode(showJson(representation.value))
    case "Unreadable":
      return undefined
  }
}

/** The richest one of an item; none of what is neither. */
const representationOf = (self: CodeResultItem | Representation): Representation | undefined => {
  if (!Predicate.isObject(self)) return undefined
  if ("_tag" in self) return self
  return Predicate.isRecord(self.data) ? Option.getOrUndefined(best(self)) : undefined
}

const refused = (field: string, given: string, expected: string) =>
  new InvalidRequestError({ operation: "RichResult.saveAs", field, given, expected })

/**
 * Saves a representation, or the richest one of a displayed value, to a local file and returns its path. A path without the
 * extension of the MIME type gets it appended: `chart` becomes `chart.png`.
 *
 * @since 0.1.0
 * @category saving
 */
export const saveAs = (
  self: CodeResultItem | Representation,
  path: string
): Effect.Effect<string, InvalidRequestError | PlatformError.PlatformError, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    if (typeof path !== "string" || path === "" || /[/\0]$/.test(path)) {
      return yield* refused("path", describe(path, "path"), "the path of a file")
    }
    const representation = representationOf(self)
    const bytes = representation && bytesOf(representation)
    if (representation === undefined || bytes === undefined) {
      return yield* refused("item", "nothing that can be saved", "a displayed value with a readable representation")
    }
    const { FileSystem } = yield* Effect.promise(() => import("@effect/platform/FileSystem"))
    const end = extension(representation.mimeType)
    const file = hasExtension(path, end) ? path : path + end
    const files = yield* FileSystem
    yield* files.writeFile(file, bytes)
    return file
  })

const others: Readonly<Record<string, ReadonlyArray<string>>> = { ".jpg": [".jpeg"], ".html": [".htm"] }

const hasExtension = (path: string, extension: string): boolean =>
  [extension, ...others[extension] ?? []].some((end) => path.toLowerCase().endsWith(end))

/**
 * Options of `show`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ShowOptions {
  /** The most characters of the text. Default: 10,000. */
  readonly maxCharacters?: number | undefined
}

/**
 * What a run printed and displayed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Shown {
  readonly stdout: string
  readonly stderr: string
  readonly results: ReadonlyArray<CodeResultItem>
}

const count = (n: number, unit: string): string => `${n.toLocaleString("en-US")} ${unit}${n === 1 ? "" : "s"}`

/** An image as its type and size, since its bytes say nothing to a reader of text. */
const showItem = (item: CodeResultItem): string => {
  const all = representations(item)
  const text = all.find((one) => one._tag === "Text" && bare(one.mimeType) === "text/plain") ??
    all.find((one) => one._tag === "Text" || one._tag === "Json")
  const images = all.flatMap((one) =>
    one._tag === "Binary" ? [`[${one.mimeType}, ${count(one.bytes.length, "byte")}]`] : []
  )
  const shown = text?._tag === "Text" ? [text.text] : text?._tag === "Json" ? [showJson(text.value)] : []
  return [...shown, ...images].join("\n")
}

/** A cut must not leave half a character. */
const head = (text: string, length: number): string => text.slice(0, length).replace(/[\ud800-\udbff]$/, "")
const tail = (text: string, length: number): string =>
  length === 0 ? "" : text.slice(-length).replace(/^[\udc00-\udfff]/, "")

/** Shortens a text in its middle: errors tend to stand at the end, and what was tried at the beginning. */
const shortened = (text: string, max: number): string => {
  const whole = text.length > max ? text : visibleLines(text)
  if (whole.length <= max) return whole
  const notice = `\n[cut, ${count(text.length, "character")} in all]\n`
  const left = max - notice.length
  if (left < 2) return head(visibleLines(head(text, max)), max)
  const [before, after] = [Math.ceil(left / 2), Math.floor(left / 2)]
  return head(visibleLines(head(text, before)), before) + notice + tail(visibleLines(tail(text, after)), after)
}

const asLine = (text: string): string => text === "" || text.endsWith("\n") ? text : `${text}\n`

/**
 * A text of bounded length for terminals and models: what a run printed, then what it displayed, images as their type and size.
 * Control characters are written as escapes. A text that is too long is cut in its middle. Takes the result of a run, or an error
 * that contains output.
 *
 * @since 0.1.0
 * @category conversions
 */
export const show = (
  { results = [], stderr, stdout }: Omit<Shown, "results"> & Partial<Pick<Shown, "results">>,
  { maxCharacters = 10_000 }: ShowOptions = {}
): string => {
  const parts = [stdout, stderr, ...results.map(showItem)].filter((part) => part !== "")
  return shortened(parts.map(asLine).join("").trimEnd(), maxCharacters > 0 ? Math.floor(maxCharacters) : 0)
}
