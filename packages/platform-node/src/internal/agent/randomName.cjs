// @ts-check
"use strict"

/** Names that nobody can guess, without the start-up time and the memory of `node:crypto`. */
const fs = require("node:fs")

/** @param {number} bytes */
const randomHex = (bytes) => {
  const fd = fs.openSync("/dev/urandom", "r")
  try {
    const buffer = Buffer.alloc(bytes)
    fs.readSync(fd, buffer)
    return buffer.toString("hex")
  } finally {
    fs.closeSync(fd)
  }
}

module.exports = { randomHex }
