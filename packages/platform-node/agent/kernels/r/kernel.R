# The R kernel: a process that keeps its state between runs. Requests arrive on descriptor 3 and replies are written to
# descriptor 4, as lines of fields (see agentWire/fields.ts). Its environment inherits from the base namespace, so that
# definitions of the code do not mask functions that the kernel uses.

local(envir = new.env(parent = .BaseNamespaceEnv), {
  suppressWarnings(Sys.setlocale("LC_CTYPE", "C.UTF-8"))
  plots <- file.path(tempdir(), "plot-%03d.png")
  opened <- integer()
  open.device <- function(...) {
    if (capabilities("cairo")) grDevices::png(plots, type = "cairo", width = 960, height = 720, res = 144)
    else grDevices::pdf(NULL)
    opened <<- c(opened, grDevices::dev.cur())
  }
  options(device = open.device, keep.source = TRUE)

  requests <- file("/dev/fd/3", open = "r", encoding = "UTF-8", raw = TRUE)
  replies <- file("/dev/fd/4", open = "wb", raw = TRUE)

  # closeAllConnections() must not close these two.
  all.connections <- getAllConnections
  own.connections <- as.integer(c(requests, replies))
  unlockBinding("getAllConnections", baseenv())
  assign("getAllConnections", function() setdiff(all.connections(), own.connections), envir = baseenv())
  lockBinding("getAllConnections", baseenv())

  letters <- list(c("\001", "a"), c("\n", "n"), c("\r", "r"), c("\t", "t"))

  encode <- function(text) {
    for (pair in letters) text <- gsub(pair[1], paste0("\001", pair[2]), text, fixed = TRUE, useBytes = TRUE)
    text
  }
  decode <- function(text) {
    for (pair in rev(letters)) text <- gsub(paste0("\001", pair[2]), pair[1], text, fixed = TRUE, useBytes = TRUE)
    Encoding(text) <- "UTF-8"
    text
  }
  reply <- function(fields) {
    line <- paste(encode(enc2utf8(as.character(fields))), collapse = "\t")
    writeBin(c(charToRaw(line), as.raw(10)), replies)
    flush(replies)
  }

  # Each group of three bytes becomes four characters.
  alphabet <- c(LETTERS, base::letters, 0:9, "+", "/")
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

  # The plots of a run, one image per page. Devices that the code has opened itself are left alone.
  take.plots <- function() {
    if (length(opened) == 0) return(character())
    for (device in intersect(opened, grDevices::dev.list())) grDevices::dev.off(device)
    opened <<- integer()
    pages <- sort(list.files(tempdir(), "^plot-[0-9]+[.]png$", full.names = TRUE))
    on.exit(unlink(pages))
    vapply(pages, function(page) base64(readBin(page, "raw", file.size(page))), "")
  }

  evaluation <- quote(eval(expression, globalenv()))
  evaluate <- function(expression) withVisible(eval(expression, globalenv()))

  called <- function(condition) {
    call <- conditionCall(condition)
    own <- is.null(call) || identical(call, evaluation) || identical(call[[1]], quote(parse))
    if (own) "" else paste0(" in ", deparse(call)[1])
  }
  on.warning <- function(condition) {
    level <- getOption("warn")
    if (level >= 2) return()
    if (level >= 0) cat("Warning message", called(condition), ": ", conditionMessage(condition), "\n", sep = "", file = stderr())
    invokeRestart("muffleWarning")
  }
  on.message <- function(condition) {
    cat(conditionMessage(condition), file = stderr())
    invokeRestart("muffleMessage")
  }

  # The current run, the lines of the statement that is being evaluated, and the source position of a call.
  name <- ""
  statement <- ""
  place.of <- function(call) {
    reference <- attr(call, "srcref")
    file <- if (!is.null(reference)) attr(reference, "srcfile")$filename
    if (is.character(file) && startsWith(file[1], "run-")) paste0(file[1], ":", reference[1])
  }

  # The call stack of the code with source positions, and the position of the error: the frames between `evaluate` with its
  # internals and those that signal the error.
  calls.of.code <- function(calls) {
    heads <- vapply(calls, function(call) deparse(call[[1]])[1], "")
    first <- max(which(heads == "evaluate"), 0)
    if (first == 0) return(list())
    raised <- heads %in% c("stop", "warning", ".handleSimpleError", "h") | startsWith(heads, "function (condition)") |
      cumsum(heads == ".signalSimpleWarning") > 0
    own <- which(seq_along(calls) > first + 3 & !raised)
    places <- lapply(calls, place.of)
    if (length(own) > 0 && is.null(places[[own[1]]])) places[[own[1]]] <- statement
    told <- vapply(own, function(at) paste(c(deparse(calls[[at]])[1], places[[at]]), collapse = " at "), "")
    after <- seq_along(calls) > max(own, first + 3)
    list(calls = told, place = c(unlist(places[after]), if (length(own) == 0) statement))
  }
  traceback.of <- function(condition, calls) {
    told <- calls$calls
    numbers <- if (length(told)) paste0(rev(seq_along(told)), ": ", rev(told))
    place <- if (length(calls$place)) paste("    at", calls$place[1])
    paste(c(paste0("Error", called(condition), ": ", conditionMessage(condition)), place, numbers), collapse = "\n")
  }

  # Visible values are printed as at the prompt; the value of the last expression is the result.
  run.all <- function(code) {
    lines <- strsplit(code, "\r?\n")[[1]]
    expressions <- parse(text = lines, keep.source = TRUE, srcfile = srcfilecopy(name, lines))
    shown <- NULL
    for (index in seq_along(expressions)) {
      extent <- unique(as.integer(attr(expressions, "srcref")[[index]])[c(1, 3)])
      statement <<- paste0(name, ":", paste(extent, collapse = "-"))
      result <- evaluate(expressions[[index]])
      if (!result$visible) next
      if (index < length(expressions)) print(result$value)
      else shown <- paste(utils::capture.output(print(result$value)), collapse = "\n")
    }
    shown
  }

  run <- function(code) {
    calls <- list()
    on.error <- function(condition) calls <<- calls.of.code(sys.calls())
    tryCatch({
      shown <- withCallingHandlers(run.all(code), warning = on.warning, message = on.message, error = on.error)
      list(done = c("0", "", "", ""), shown = shown)
    }, error = function(condition) {
      list(done = c("1", class(condition)[1], conditionMessage(condition), traceback.of(condition, calls)))
    }, interrupt = function(condition) {
      list(done = c("1", "Interrupted", "The run was interrupted", "Interrupted: The run was interrupted"))
    })
  }

  serve <- function(line) {
    fields <- decode(strsplit(line, "\t", fixed = TRUE)[[1]])
    name <<- paste0("run-", fields[2])
    statement <<- ""
    outcome <- run(paste(fields[-(1:4)], collapse = "\t"))
    suspendInterrupts({
      while (sink.number() > 0) sink()
      flush(stdout())
      cut <- function(texts) substr(texts, 1, as.integer(fields[4]))
      images <- tryCatch(take.plots(), error = function(condition) character())
      for (image in images) reply(c("result", fields[2], "0", "0", "text/plain", "<plot>", "image/png", image))
      if (!is.null(outcome$shown) && nzchar(outcome$shown)) reply(c("result", fields[2], "0", "1", "text/plain", cut(outcome$shown)))
      reply(c("done", fields[2], cut(outcome$done)))
    })
  }

  reply("ready")
  repeat tryCatch({
    line <- readLines(requests, 1)
    if (length(line) == 0) quit("no")
    serve(line)
  }, interrupt = function(condition) NULL)
})
