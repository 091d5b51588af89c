# The R kernel: a process that keeps its state between runs. Requests arrive on descriptor 3 and replies are written to
# descriptor 4, as lines of fields (see agentWire/fields.ts). Its environment inherits from the base namespace, so that
# definitions of the code do not mask functions that the kernel uses. The loop runs outside of `local`, which evaluates in the
# global environment: the code would take its frames for its own.

(local(envir = new.env(parent = .BaseNamespaceEnv), {
  suppressWarnings(Sys.setlocale("LC_CTYPE", "C.UTF-8"))
  plots <- file.path(tempdir(), "plot-%03d.png")
  opened <- integer()
  open.device <- function(...) {
    if (capabilities("cairo")) grDevices::png(plots, type = "cairo", width = 960, height = 720, res = 144)
    else grDevices::pdf(NULL)
    opened <<- c(opened, grDevices::dev.cur())
  }
  options(device = open.device, keep.source = FALSE)

  requests <- file("/dev/fd/3", open = "r", encoding = "UTF-8", raw = TRUE)
  replies <- file("/dev/fd/4", open = "wb", raw = TRUE)

  override <- function(name, value) {
    unlockBinding(name, baseenv())
    assign(name, value, envir = baseenv())
    lockBinding(name, baseenv())
  }

  # The code is parsed with its source for the places of errors, but printed without it, as by Rscript.
  override("print.function", function(x, useSource = FALSE, ...) print.default(x, useSource = useSource, ...))
  show.value <- function(value) {
    if (isS4(value)) methods::show(value)
    else if (is.object(value)) print(value)
    else print.default(value, useSource = FALSE)
  }

  # The code does not see the frames that the kernel evaluates it in: its own are numbered from 1, as at top level.
  all.calls <- sys.calls
  hidden <- 0L
  without.hidden <- function(frames) if (length(frames) > hidden) frames[-seq_len(hidden)]
  shifted <- function(which, depth) {
    if (which > 0) which + hidden
    else if (hidden > 0 && depth >= hidden && depth + which < hidden) stop("not that many frames on the stack", call. = FALSE)
    else which
  }
  # Each has to call its internal function itself, and not in the argument of another, for that to find the caller.
  override("sys.calls", function() {
    calls <- .Internal(sys.calls())
    without.hidden(calls)
  })
  override("sys.frames", function() {
    frames <- .Internal(sys.frames())
    without.hidden(frames)
  })
  override("sys.parents", function() {
    parents <- .Internal(sys.parents())
    pmax(without.hidden(parents) - hidden, 0L)
  })
  override("sys.nframe", function() max(.Internal(sys.nframe()) - hidden, 0L))
  override("sys.parent", function(n = 1) max(.Internal(sys.parent(n)) - hidden, 0L))
  override("sys.call", function(which = 0) {
    depth <- .Internal(sys.nframe())
    at <- shifted(which, depth)
    .Internal(sys.call(at))
  })
  override("sys.frame", function(which = 0) {
    depth <- .Internal(sys.nframe())
    at <- shifted(which, depth)
    if (which < 0 && depth + which == hidden) globalenv() else .Internal(sys.frame(at))
  })
  override("sys.function", function(which = 0) {
    depth <- .Internal(sys.nframe())
    at <- shifted(which, depth)
    .Internal(sys.function(at))
  })

  # closeAllConnections() must not close these two.
  all.connections <- getAllConnections
  own.connections <- as.integer(c(requests, replies))
  override("getAllConnections", function() setdiff(all.connections(), own.connections))

  # quit() ends the run and not the kernel.
  leave <- quit
  end.run <- function(save = "default", status = 0, runLast = TRUE) {
    if (!save %in% c("no", "yes", "ask", "default")) stop("unrecognized value of 'save'")
    if (runLast && exists(".Last", globalenv(), inherits = FALSE)) get(".Last", globalenv())()
    invokeRestart("agb.exit", as.integer(status))
  }
  override("quit", end.run)
  override("q", end.run)

  # R calls task callbacks after the expressions of its own top level, of which this file is one.
  callbacks <- list()
  override("addTaskCallback", function(f, data = NULL, name = character()) {
    if (!is.function(f)) stop("handler must be a function")
    id <- length(callbacks) + 1L
    label <- if (length(name) > 0) as.character(name)[1] else as.character(id)
    callbacks[[id]] <<- list(f = f, arguments = if (missing(data)) list() else list(data))
    names(callbacks)[id] <<- label
    structure(id, names = label)
  })
  override("removeTaskCallback", function(id) {
    at <- if (is.character(id)) match(id, names(callbacks)) else as.integer(id)
    known <- !is.na(at) && at >= 1 && at <= length(callbacks)
    if (known) callbacks[[at]] <<- NULL
    known
  })
  override("getTaskCallbackNames", function() as.character(names(callbacks)))
  call.back <- function(expression, result) {
    given <- list(expression, result$value, TRUE, result$visible)
    for (label in names(callbacks)) {
      callback <- callbacks[[label]]
      if (is.null(callback)) next
      kept <- do.call(callback$f, c(given, callback$arguments), quote = TRUE)
      if (!isTRUE(kept)) callbacks[[label]] <<- NULL
    }
  }

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

  # A limit of time holds for each expression at top level, and for one alone if it is transient: not for the kernel, nor for the
  # time in which nothing runs.
  limit.time <- setTimeLimit
  limits <- list()
  override("setTimeLimit", function(cpu = Inf, elapsed = Inf, transient = FALSE) {
    limit.time(cpu, elapsed)
    limits <<- if (transient) list() else list(cpu, elapsed)
    invisible()
  })

  # The expression is an argument, so that `parent.frame()` and `sys.nframe()` find no frame that belongs to the top level,
  # as they would with `eval`.
  evaluate <- function(expression) {
    hidden <<- .Internal(sys.nframe()) + 3L
    warned <<- list()
    on.exit({
      limit.time()
      hidden <<- 0L
    })
    if (length(limits) > 0) do.call(limit.time, limits)
    do.call(withVisible, list(expression), envir = globalenv())
  }

  call.of <- function(condition) {
    call <- conditionCall(condition)
    if (!is.null(call) && !identical(call[[1]], withVisible) && !identical(call[[1]], quote(parse))) call
  }
  called <- function(condition) {
    call <- call.of(condition)
    if (is.null(call)) "" else paste0(" in ", deparse(call)[1])
  }
  # R keeps those of the last expression that has any.
  warned <- list()
  last.warnings <- list()
  override("warnings", function(...) {
    if (length(last.warnings) > 0) structure(last.warnings, dots = list(...), class = "warnings")
  })
  on.warning <- function(condition) {
    level <- getOption("warn")
    if (level >= 2) return()
    if (level == 0 && length(warned) < getOption("nwarnings")) {
      warned <<- c(warned, structure(list(call.of(condition)), names = conditionMessage(condition)))
    }
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
    own <- which(seq_along(calls) > first + 2 & !raised)
    places <- lapply(calls, place.of)
    if (length(own) > 0 && is.null(places[[own[1]]])) places[[own[1]]] <- statement
    told <- vapply(own, function(at) paste(c(deparse(calls[[at]])[1], places[[at]]), collapse = " at "), "")
    after <- seq_along(calls) > max(own, first + 2)
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
      override(".Last.value", result$value)
      if (length(warned) > 0) last.warnings <<- warned
      if (length(callbacks) > 0) call.back(expressions[[index]], result)
      if (!result$visible) next
      if (index < length(expressions)) show.value(result$value)
      else shown <- paste(utils::capture.output(show.value(result$value)), collapse = "\n")
    }
    shown
  }

  success <- c("0", "", "", "")
  exited <- function(status) {
    told <- paste("The code exited with code", status)
    list(done = if (status == 0) success else c("1", "Exit", told, paste("Exit:", told)))
  }

  run <- function(code) {
    calls <- list()
    on.error <- function(condition) calls <<- calls.of.code(all.calls())
    tryCatch(withRestarts({
      shown <- withCallingHandlers(run.all(code), warning = on.warning, message = on.message, error = on.error)
      list(done = success, shown = shown)
    }, agb.exit = exited), error = function(condition) {
      list(done = c("1", class(condition)[1], conditionMessage(condition), traceback.of(condition, calls)))
    })
  }

  interrupted <- function(condition) {
    list(done = c("1", "Interrupted", "The run was interrupted", "Interrupted: The run was interrupted"))
  }

  serve <- function(line) {
    fields <- decode(strsplit(line, "\t", fixed = TRUE)[[1]])
    name <<- paste0("run-", fields[2])
    statement <<- ""
    outcome <- tryCatch(allowInterrupts(run(paste(fields[-(1:4)], collapse = "\t"))), interrupt = interrupted)
    while (sink.number() > 0) sink()
    flush(stdout())
    cut <- function(texts) substr(texts, 1, as.integer(fields[4]))
    images <- tryCatch(take.plots(), error = function(condition) character())
    for (image in images) reply(c("result", fields[2], "0", "0", "text/plain", "<plot>", "image/png", image))
    if (!is.null(outcome$shown) && nzchar(outcome$shown)) reply(c("result", fields[2], "0", "1", "text/plain", cut(outcome$shown)))
    reply(c("done", fields[2], cut(outcome$done)))
  }

  # Interrupts reach the code alone.
  function() {
    reply("ready")
    suspendInterrupts(repeat {
      line <- readLines(requests, 1)
      if (length(line) == 0) leave("no")
      # An interrupt that came when its run had just ended must not meet the next one.
      tryCatch(allowInterrupts(Sys.sleep(0)), interrupt = function(condition) NULL)
      serve(line)
    })
  }
}))()
