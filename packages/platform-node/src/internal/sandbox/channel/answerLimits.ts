/**
 * How large the frames of a call may be. An agent that was taken over sends what it likes; the host keeps no more than the
 * call can have for an answer.
 */
import { errorLength, listBytes, resultsBytes, resultsCost, treeBytes } from "../../agentWire/answerSizes.js"
import { type FrameLimits, maxFrameBytes, maxJson } from "../../agentWire/frames.js"
import type { JsonLimits } from "../../agentWire/jsonLimits.js"
import { fileWindowBytes } from "../../agentWire/window.js"
import type { SandboxCall } from "./protocol.js"

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

/** A character in JSON at most. */
const escapedBytes = 6

/** The results of a run, and what holds them. */
const resultJson: JsonLimits = { ...maxJson, cost: 2 * resultsCost }

/** Few values, but perhaps a long text. */
const fewValues: JsonLimits = { depth: 16, cost: 4 * kibibyte }

/** Frames of no call in progress: the first of all, and what ends the connection. */
export const strayFrame: FrameLimits = { jsonBytes: 64 * kibibyte, bodyBytes: 64 * kibibyte, json: fewValues }

const small = { jsonBytes: 128 * kibibyte, json: fewValues }

/** What the agent says of one file of several: its stamp, or why it failed. */
const perFile = { bytes: 4 * kibibyte, cost: 64 }

const forFiles = (count: number, bodyBytes: number): FrameLimits => ({
  jsonBytes: small.jsonBytes + count * perFile.bytes,
  bodyBytes,
  json: { ...fewValues, cost: fewValues.cost + count * perFile.cost }
})

const streamed = (call: SandboxCall, outputBytes: number): FrameLimits => ({
  jsonBytes: small.jsonBytes + 2 * escapedBytes * errorLength(outputBytes),
  bodyBytes: call.op === "runCode" ? resultsBytes(outputBytes) + 64 * kibibyte : mebibyte,
  json: fewValues
})

const limitsOf = (call: SandboxCall, outputBytes: number): FrameLimits => {
  switch (call.op) {
    case "runCode":
      return {
        jsonBytes: small.jsonBytes + resultsBytes(outputBytes) + 2 * escapedBytes * errorLength(outputBytes),
        bodyBytes: 2 * outputBytes,
        json: resultJson
      }
    case "shell":
      return { ...small, bodyBytes: 2 * outputBytes }
    case "tunnel":
    case "accept":
      return { ...small, bodyBytes: mebibyte }
    case "readFile":
      return { ...small, bodyBytes: call.length ?? maxFrameBytes }
    case "streamRead":
      return { ...small, bodyBytes: fileWindowBytes, isStreamed: true }
    case "readPart":
      return { ...small, bodyBytes: call.length }
    case "readFiles":
      return forFiles(call.files.length, call.files.reduce((sum, { length }) => sum + length, 0))
    case "writeParts":
      return forFiles(call.parts.length, 0)
    case "listTree":
      return { ...small, bodyBytes: treeBytes + 64 * kibibyte }
    case "listDirectory":
    case "describeDirectory":
    case "listProcesses":
    case "searchFiles":
    case "fileChange":
    case "editFile":
      return { jsonBytes: small.jsonBytes + listBytes, bodyBytes: 0, json: maxJson }
    default:
      return { ...small, bodyBytes: 0 }
  }
}

/** The frames of a call: those that stream its output, or its answer. */
export const answerLimits = (call: SandboxCall, isStream: boolean, outputBytes: number): FrameLimits =>
  isStream ? streamed(call, outputBytes) : limitsOf(call, outputBytes)
