/**
 * The globals that the kernel uses, as they were when it started. The build puts them in place of the global names, because the
 * code may declare any of those itself: a `const` of one script hides a global from all functions.
 */
import { Buffer } from "node:buffer"
import { performance } from "node:perf_hooks"
import process from "node:process"

export const {
  Array,
  Atomics,
  BigInt,
  Boolean,
  Error,
  Infinity,
  Int32Array,
  Intl,
  JSON,
  Map,
  Math,
  Number,
  Object,
  Promise,
  Proxy,
  Reflect,
  RegExp,
  Set,
  SharedArrayBuffer,
  String,
  Symbol,
  SyntaxError,
  TypeError,
  WeakMap,
  parseFloat,
  parseInt,
  queueMicrotask
} = globalThis

export { Buffer, performance, process }
