/** Displayed values of a run as files of this machine, for the promise API. */
import { type AgbError, type CodeResultItem, FileError, FileNotFoundError } from "@effect-agb/core/AgbError"
import type { OperationResult } from "@effect-agb/core/OperationResult"
import * as RichResult from "@effect-agb/core/RichResult"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import { localFiles } from "../node/localFiles.js"

const operation = "RichResult.saveAs"

const named = (error: AgbError): AgbError => {
  if (error instanceof FileError) return new FileError({ ...error, operation })
  return error instanceof FileNotFoundError ? new FileNotFoundError({ ...error, operation }) : error
}

export const saveAs = (
  item: CodeResultItem | RichResult.Representation,
  path: string
): Promise<OperationResult<string>> =>
  RichResult.saveAs(item, path).pipe(
    Effect.provideService(FileSystem.FileSystem, localFiles),
    // Errors of this machine are errors of this SDK already.
    Effect.mapError((error) => named(error as AgbError)),
    Effect.match({
      onSuccess: (data): OperationResult<string> => ({ requestId: "", success: true, data }),
      onFailure: (error): OperationResult<string> => ({
        requestId: "",
        success: false,
        errorMessage: error.message,
        error
      })
    }),
    Effect.runPromise
  )
