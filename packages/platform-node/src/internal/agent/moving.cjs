// @ts-check
"use strict"

/** Moving files and directories, to other file systems as well: all of it or nothing. */
const fs = require("node:fs")
const { dirname, join } = require("node:path")
const { path } = require("./args.cjs")
const { about, codeOf, Failure, failureOf } = require("./failure.cjs")
const { ownName } = require("./ownFiles.cjs")
const { locate, openPlace, pathOf } = require("./places.cjs")

/** @typedef {{ readonly from: string, readonly to: string }} Names what the client calls the two ends */

/** @type {import("./operation.cjs").Operation} */
const moveFile = async ({ args }) => {
  const [from, to] = [path(args, "source"), path(args, "destination")]
  const source = about(from, () => locate(from, false))
  try {
    const destination = about(to, () => locate(to, false))
    try {
      await move(source.path, destination.path, { from, to })
    } finally {
      destination.close()
    }
  } finally {
    source.close()
  }
  return { value: null }
}

/**
 * @param {string} source
 * @param {string} destination
 * @param {Names} names
 */
const move = async (source, destination, { from, to }) => {
  about(from, () => fs.lstatSync(source))
  if (about(to, () => fs.lstatSync(destination, { throwIfNoEntry: false })) !== undefined) {
    throw new Failure("EEXIST", `Already exists: ${to}`)
  }
  try {
    fs.renameSync(source, destination)
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw failureOf(error, `${from} to ${to}`)
    await moveAcross(source, destination, { from, to })
  }
}

/**
 * To another file system: the copy gets its name when it is whole, and only then the source goes.
 *
 * @param {string} source
 * @param {string} destination
 * @param {Names} names
 */
const moveAcross = async (source, destination, { from, to }) => {
  const copy = join(dirname(destination), ownName("part"))
  try {
    fs.accessSync(dirname(source), fs.constants.W_OK)
    await fs.promises.cp(source, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    await fs.promises.rename(copy, destination)
  } catch (error) {
    await removeTree(copy).catch(() => {})
    throw failureOf(error, `${from} to ${to}`)
  }
  await removeTree(source).catch((error) => {
    throw failureOf(error, `moved to ${to}, but left behind: ${from}`)
  })
}

/**
 * With directories that nobody may write to, as an owner may.
 *
 * @param {string} root
 */
const removeTree = async (root) => {
  const remove = () => fs.promises.rm(root, { recursive: true, force: true })
  await remove().catch((error) => {
    if (codeOf(error) !== "EACCES") throw error
    unlock(root)
    return remove()
  })
}

/** @param {string} folder */
const unlock = (folder) => {
  const fd = openPlace(folder)
  try {
    fs.chmodSync(pathOf(fd), 0o700)
    for (const entry of fs.readdirSync(pathOf(fd), { withFileTypes: true })) {
      if (entry.isDirectory()) unlock(`${pathOf(fd)}/${entry.name}`)
    }
  } finally {
    fs.closeSync(fd)
  }
}

module.exports = { moveFile }
