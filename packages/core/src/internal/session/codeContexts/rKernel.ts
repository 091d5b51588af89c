/**
 * The kernel of a code context for R 4: reads runs from descriptor 3, one JSON object a line, and writes results and ends to
 * descriptor 4. Base packages only. Its environment inherits from the base namespace, so that definitions of the code do not mask
 * what it uses.
 */
export const rKernel = String.raw`
local(envir = new.env(parent = .BaseNamespaceEnv), {
  Sys.unsetenv("AGB_KERNEL")
  suppressWarnings(Sys.setlocale("LC_CTYPE", "C.UTF-8"))
  requests <- file("/dev/fd/3", open = "r", encoding = "UTF-8", raw = TRUE)
  events <- file("/dev/fd/4", open = "wb", raw = TRUE)

  # closeAllConnections() must not close these two.
  connections <- getAllConnections
  own <- as.integer(c(requests, events))
  unlockBinding("getAllConnections", baseenv())
  assign("getAllConnections", function() setdiff(connections(), own), envir = baseenv())
  lockBinding("getAllConnections", baseenv())

  # R reads the escapes of JSON but for its control characters, which may not stand beside others.
  unquote <- function(text) {
    text <- gsub("(?<!\\\\)((?:\\\\\\\\)*)\\\\u00([0-9a-f]{2})", "\\1\\\\x\\2", text, perl = TRUE, useBytes = TRUE)
    Encoding(text) <- "UTF-8"
    value <- parse(text = text, keep.source = FALSE, encoding = "UTF-8")[[1]]
    Encoding(value) <- "UTF-8"
    value
  }

  escapes <- c("\\" = "\\\\", "\"" = "\\\"", "\n" = "\\n", "\r" = "\\r", "\t" = "\\t")
  for (code in setdiff(1:31, c(9, 10, 13))) escapes[rawToChar(as.raw(code))] <- sprintf("\\u%04x", code)
  quoted <- function(text) {
    text <- iconv(enc2utf8(text), "UTF-8", "UTF-8", sub = "\uFFFD")
    for (name in names(escapes)) text <- gsub(name, escapes[[name]], text, fixed = TRUE, useBytes = TRUE)
    Encoding(text) <- "UTF-8"
    paste0("\"", text, "\"")
  }
  object <- function(...) {
    fields <- c(...)
    paste0("{", paste0("\"", names(fields), "\":", fields, collapse = ","), "}")
  }
  emit <- function(...) {
    flush(stdout())
    writeBin(c(charToRaw(object(...)), as.raw(10)), events)
    flush(events)
  }
  show <- function(..., is.main) {
    emit(type = quoted("result"), data = object(...), isMainResult = if (is.main) "true" else "false")
  }

  # Each group of three bytes becomes four characters.
  alphabet <- c(LETTERS, letters, 0:9, "+", "/")
  base64 <- function(bytes) {
    missing <- -length(bytes) %% 3
    group <- matrix(c(as.integer(bytes), integer(missing)), nrow = 3)
    codes <- rbind(
      group[1, ] %/% 4,
      group[1, ] %% 4 * 16 + group[2, ] %/% 16,
      group[2, ] %% 16 * 4 + group[3, ] %/% 64,
      group[3, ] %% 64
    )
    text <- alphabet[codes + 1]
    if (missing > 0) text[length(text) + 1 - seq_len(missing)] <- "="
    paste(text, collapse = "")
  }

  pages <- file.path(tempdir(), "agb-plot-%03d.png")
  opened <- integer()
  options(keep.source = FALSE, device = function(...) {
    if (capabilities("cairo")) grDevices::png(pages, type = "cairo", width = 960, height = 720, res = 144)
    else grDevices::pdf(NULL)
    opened <<- c(opened, grDevices::dev.cur())
  })
  show.plots <- function() {
    for (device in intersect(opened, grDevices::dev.list())) grDevices::dev.off(device)
    opened <<- integer()
    found <- sort(list.files(tempdir(), "^agb-plot-[0-9]+[.]png$", full.names = TRUE))
    on.exit(unlink(found))
    for (page in found) {
      image <- base64(readBin(page, "raw", file.size(page)))
      show("text/plain" = quoted("<plot>"), "image/png" = quoted(image), is.main = FALSE)
    }
  }

  called <- function(condition) {
    call <- conditionCall(condition)
    is.own <- is.null(call) || identical(call[[1]], withVisible) || identical(call[[1]], quote(parse))
    if (is.own) "" else paste0(" in ", deparse(call)[1])
  }
  on.warning <- function(condition) {
    if (getOption("warn") >= 2) return()
    if (getOption("warn") >= 0) {
      cat("Warning message", called(condition), ": ", conditionMessage(condition), "\n", sep = "", file = stderr())
    }
    invokeRestart("muffleWarning")
  }

  # Visible values are printed as at the prompt; the value of the last expression is the result.
  execute <- function(code) {
    expressions <- parse(text = code, keep.source = FALSE, encoding = "UTF-8")
    shown <- NULL
    for (index in seq_along(expressions)) {
      result <- do.call(withVisible, list(expressions[[index]]), envir = globalenv())
      if (!result$visible) next
      if (index < length(expressions)) print(result$value)
      else shown <- paste(utils::capture.output(print(result$value)), collapse = "\n")
    }
    shown
  }

  calls.of.code <- function(calls) {
    heads <- vapply(calls, function(call) deparse(call[[1]])[1], "")
    if (!any(heads == "do.call")) return()
    below <- max(which(heads == "do.call")) + 1
    signalling <- heads %in% c("stop", ".handleSimpleError", "h") | startsWith(heads, "function (condition)")
    told <- vapply(calls[seq_along(calls) > below & !signalling], function(call) deparse(call)[1], "")
    if (length(told)) paste0(rev(seq_along(told)), ": ", rev(told))
  }
  described <- function(condition, calls) {
    told <- paste(c(paste0("Error", called(condition), ": ", conditionMessage(condition)), calls), collapse = "\n")
    object(name = quoted(class(condition)[1]), value = quoted(conditionMessage(condition)), traceback = quoted(told))
  }
  interrupted <- function(condition) {
    text <- quoted("the run was interrupted")
    object(name = quoted("Interrupted"), value = text, traceback = text)
  }

  run <- function(count, code) {
    begun <- proc.time()[["elapsed"]]
    calls <- NULL
    error <- tryCatch({
      shown <- withCallingHandlers(
        allowInterrupts(execute(code)),
        warning = on.warning,
        error = function(condition) calls <<- calls.of.code(sys.calls())
      )
      show.plots()
      if (!is.null(shown) && nzchar(shown)) show("text/plain" = quoted(shown), is.main = TRUE)
      "null"
    }, error = function(condition) described(condition, calls), interrupt = interrupted)
    while (sink.number() > 0) sink()
    for (device in intersect(opened, grDevices::dev.list())) grDevices::dev.off(device)
    opened <<- integer()
    seconds <- format(proc.time()[["elapsed"]] - begun, scientific = FALSE)
    emit(type = quoted("done"), count = count, seconds = seconds, error = error)
  }

  serve <- function(line) {
    at <- regexpr(",\"code\":", line, fixed = TRUE, useBytes = TRUE)[[1]]
    if (at < 0) return()
    bytes <- charToRaw(line)
    run(rawToChar(bytes[10:(at - 1)]), unquote(rawToChar(bytes[(at + 8):(length(bytes) - 1)])))
  }

  # Only the code is interrupted: elsewhere an interrupt would end R.
  suspendInterrupts(repeat {
    line <- readLines(requests, 1)
    if (length(line) == 0) quit("no")
    # An interrupt that came when its run had just ended must not meet the next one.
    tryCatch(allowInterrupts(Sys.sleep(0)), interrupt = function(condition) NULL)
    serve(line)
  })
})
`.trim()
