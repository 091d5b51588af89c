/** The shell scripts by which the SDK works with files where no tool does: they are known by their text, and done on a tree. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import type { ToolFailure } from "../../../AgbServer.js"
import { Checksum } from "../../session/files/checksum.js"
import * as fileScripts from "../../session/files/scripts.js"
import { ownTmpBounds } from "../../session/files/shellScript.js"
import * as transferScripts from "../../session/transfer/scripts.js"
import { concat } from "../../wire/text/bytes.js"
import * as files from "./files.js"
import { attempt, written } from "./fileTools.js"
import { failure, type FileTree, normal, parentOf } from "./fileTree.js"

interface Script {
  readonly text: string
  readonly args: ReadonlyArray<string>
}

const quoted = /'((?:[^']|'\\'')*)' ?/y

/** There is one tree, with a `/tmp` of its own. */
const withoutOwnTmp = (text: string): string =>
  text.startsWith(ownTmpBounds.start) ? text.slice(text.indexOf(ownTmpBounds.end) + ownTmpBounds.end.length) : text

/** Parses the preamble of a script: its locale, functions, and arguments. */
const parse = (command: string): Script | undefined => {
  const start = "\nset -- "
  const at = command.indexOf(start)
  if (!command.startsWith("LC_ALL=C; export LC_ALL\n") || at < 0) return undefined
  const args: Array<string> = []
  quoted.lastIndex = at + start.length
  let end = quoted.lastIndex
  for (let match = quoted.exec(command); match !== null; match = quoted.exec(command)) {
    args.push((match[1] ?? "").replaceAll("'\\''", "'"))
    end = quoted.lastIndex
  }
  return command[end] === "\n" ? { text: withoutOwnTmp(command.slice(end + 1)), args } : undefined
}

type Run = (tree: FileTree, args: ReadonlyArray<string>, now: number) => string

const arg = (args: ReadonlyArray<string>, index: number): string => args[index] ?? ""

const removeIfExists: Run = (tree, args) => {
  if (tree.has(arg(args, 0))) tree.remove(arg(args, 0))
  return ""
}

const copy: Run = (tree, args) => {
  const [source, destination, overwrite] = [arg(args, 0), arg(args, 1), arg(args, 3) !== ""]
  const isThere = tree.has(destination)
  if (isThere && (!overwrite || tree.isDirectory(source))) throw failure("EEXIST", `Already exists: ${destination}`)
  if (isThere) tree.file(destination)
  if (isThere) tree.remove(destination)
  tree.copy(source, destination)
  return ""
}

const permissionsOf = (text: string): number | undefined => text === "" ? undefined : parseInt(text, 8)

const decoded = (base64: string): Uint8Array => Either.getOrThrow(Encoding.decodeBase64(base64))

const writeSmall: Run = (tree, args, now) => {
  const [path, mode, permissions] = [arg(args, 0), arg(args, 1), permissionsOf(arg(args, 2))]
  tree.put(path, written(tree, { path, mode, content: decoded(arg(args, 5)) }), now, permissions)
  return ""
}

const begin: Run = (tree, args, now) => {
  const [path, mode] = [arg(args, 0), arg(args, 1)]
  if (tree.has(path)) tree.file(path)
  written(tree, { path, mode, content: new Uint8Array() })
  tree.requireDirectory(parentOf(path))
  files.write(tree, `${parentOf(path)}/${arg(args, 2)}/whole`, "", now)
  return normal(path)
}

/** What is joined already stays so when the call is repeated. */
const join: Run = (tree, args, now) => {
  const [folder, first, last, before] = [arg(args, 0), Number(arg(args, 1)), Number(arg(args, 2)), Number(arg(args, 3))]
  const numbers = Array.from({ length: last - first + 1 }, (_, index) => `${folder}/${first + index}`)
    .filter((path) => tree.has(path))
  const parts = numbers.map((path) => decoded(new TextDecoder().decode(tree.file(path))))
  if (parts.length > 0) {
    const whole = tree.file(`${folder}/whole`).subarray(0, before)
    tree.put(`${folder}/whole`, concat([whole, ...parts]), now)
  }
  for (const path of numbers) tree.remove(path)
  return ""
}

const finish: Run = (tree, args, now) => {
  const [path, mode, permissions, folder] = [arg(args, 0), arg(args, 1), permissionsOf(arg(args, 2)), arg(args, 5)]
  tree.put(path, written(tree, { path, mode, content: tree.file(`${folder}/whole`) }), now, permissions)
  tree.remove(folder)
  return ""
}

const replace: Run = (tree, args, now) => {
  const [path, whole] = [arg(args, 0), arg(args, 1)]
  tree.put(path, tree.file(whole), now)
  tree.remove(whole)
  return ""
}

const octal = (mode: number): string => mode.toString(8)

/** Prints what is at and below a path into a file, of which it prints the path. */
const list: Run = (tree, args, now) => {
  const root = arg(args, 0)
  const { bytes, mode } = tree.get(root)
  const records = bytes === undefined
    ? [
      `d ${octal(mode)} 0 .`,
      ...[...tree.below(root)].map(([path, node]) =>
        `${node.bytes === undefined ? "d" : "f"} ${octal(node.mode)} ${node.bytes?.length ?? 0} .${
          path.slice(normal(root) === "/" ? 0 : normal(root).length)
        }`
      )
    ]
    : [`f ${octal(mode)} ${bytes.length} .`]
  const path = `/tmp/.agb-list-${arg(args, 1)}`
  tree.put(path, new TextEncoder().encode(records.map((record) => `${record}\0`).join("")), now)
  return path
}

const checksumOf = (bytes: Uint8Array): string => {
  const sum = new Checksum()
  sum.update(bytes)
  return String(sum)
}

const checksum: Run = (tree, args) =>
  args.map((path) => tree.has(path) && !tree.isDirectory(path) ? `${checksumOf(tree.file(path))}\n` : "-\n").join("")

const publish: Run = (tree, args, now) => {
  const [part, path] = [arg(args, 0), arg(args, 1)]
  tree.put(path, tree.file(part), now, parseInt(arg(args, 2), 8))
  tree.remove(part)
  return ""
}

const setPermissions: Run = (tree, args) => {
  for (let index = 0; index < args.length; index += 2) {
    tree.setMode(arg(args, index + 1), parseInt(arg(args, index), 8))
  }
  return ""
}

const runs: ReadonlyMap<string, Run> = new Map<string, Run>([
  [fileScripts.remove, (tree, args) => (tree.remove(arg(args, 0)), "")],
  [fileScripts.removeIfExists, removeIfExists],
  [fileScripts.copy, copy],
  [fileScripts.writeSmall, writeSmall],
  [fileScripts.begin, begin],
  [fileScripts.join, join],
  [fileScripts.finish, finish],
  [fileScripts.replace, replace],
  [transferScripts.list, list],
  [transferScripts.checksum, checksum],
  [
    transferScripts.prefixChecksum,
    (tree, args) => checksumOf(tree.file(arg(args, 0)).subarray(0, Number(arg(args, 1))))
  ],
  [transferScripts.makeDirectories, (tree, args, now) => {
    for (const path of args) tree.makeDirectory(path, now)
    return ""
  }],
  [transferScripts.setPermissions, setPermissions],
  [transferScripts.publish, publish]
])

interface Printed {
  readonly stdout: string
  readonly stderr: string
  readonly exit_code: number
}

/** What a script of the SDK prints, or `undefined` for any other command. */
export const run = (tree: FileTree, command: string): Effect.Effect<Printed> | undefined => {
  const script = parse(command)
  const found = script && runs.get(script.text)
  if (script === undefined || found === undefined) return undefined
  return attempt((now) => found(tree, script.args, now)).pipe(
    Effect.match({
      onSuccess: (stdout) => ({ stdout, stderr: "", exit_code: 0 }),
      onFailure: ({ text }: ToolFailure) => ({ stdout: "", stderr: text, exit_code: 1 })
    })
  )
}
