import java.io.*;
import java.lang.reflect.*;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.regex.*;
import jdk.jshell.*;
import jdk.jshell.execution.LocalExecutionControl;
import jdk.jshell.spi.*;

/**
 * The Java kernel: a process that keeps its state between runs. Requests arrive on descriptor 3 and replies are written to
 * descriptor 4, as lines of fields (see agentWire/fields.ts); interrupts arrive on descriptor 5.
 */
public final class Kernel {
    private static final String[][] LETTERS = {{"\u0001", "a"}, {"\n", "n"}, {"\r", "r"}, {"\t", "t"}};
    private static final String IMPORTS = "java.io java.math java.net java.nio.file java.util java.util.concurrent "
        + "java.util.function java.util.regex java.util.stream";

    private static final Pattern MAIN = Pattern.compile(
        "\\bpublic\\s+static\\s+(?:final\\s+)?void\\s+main\\s*\\(\\s*(?:final\\s+)?String\\s*(?:\\[|\\.\\.\\.|\\w+\\s*\\[)");
    private static final Pattern PACKAGE = Pattern.compile("^(?:\\s|//.*|/\\*(?s:.*?)\\*/)*package\\s[^;]*;");
    /** A line that continues the one before. */
    private static final Pattern CONTINUED = Pattern.compile("\\s*(?:[.+*/%&|^<>=?:,;)\\]}{-]|(?:else|catch|finally|instanceof)\\b)");

    private static final int FRAMES = 50, LINES = 100;

    /** How long threads that a run has started may take after the code itself is done. */
    private static final long LINGER_MILLIS = 2000;

    private final JShell shell = JShell.builder().executionEngine(new Engine(), Map.of()).build();
    private final SourceCodeAnalysis analysis = shell.sourceCodeAnalysis();
    /** The position of each snippet: its run and the number of lines before it. */
    private final Map<String, Place> places = new HashMap<>();
    /** The number of the current run. */
    private volatile String running = "";
    private volatile boolean interrupted;
    /** Whether the code has called System.exit(0). */
    private boolean exitedWell;
    /** Whether the run was interrupted after the code itself was done. */
    private boolean endedEarly;
    /** The first class of the run with a main method, or what it does besides declaring types. */
    private Snippet program;
    /** Threads that earlier runs have started. */
    private final List<Thread> known = new ArrayList<>();

    private record Place(String run, int line) {}
    private record Failure(String name, String value, String traceback) {}
    private record Outcome(Failure failure, String shown) {}

    /** What the System.exit of the code throws: it ends the run and not the kernel. */
    public static final class Exit extends Error {
        private static final long serialVersionUID = 1;

        private Exit(int status) { super(String.valueOf(status)); }
        public static void exit(int status) { throw new Exit(status & 255); }
    }

    /** Runs the code in this process, with calls of System.exit redirected. */
    private static final class Engine implements ExecutionControlProvider {
        @Override public String name() { return "kernel"; }

        @Override public ExecutionControl generate(ExecutionEnv environment, Map<String, String> parameters) throws Throwable {
            LocalExecutionControl control = new LocalExecutionControl() {
                @Override public void load(ClassBytecodes[] classes)
                    throws ClassInstallException, NotImplementedException, EngineTerminationException {
                    super.load(Arrays.stream(classes).map(each -> new ClassBytecodes(each.name(),
                        ExitCalls.redirected(each.bytecodes()))).toArray(ClassBytecodes[]::new));
                }

                @Override protected String invoke(Method method) throws Exception {
                    return super.invoke(Threads.prepared(method));
                }
            };
            String name = Exit.class.getName();
            try (InputStream code = Kernel.class.getResourceAsStream(name + ".class")) {
                control.load(new ExecutionControl.ClassBytecodes[] {new ExecutionControl.ClassBytecodes(name, code.readAllBytes())});
            }
            return control;
        }
    }

    /** Changes the constant pool of a class, so that calls of System.exit(int) are calls of Exit.exit(int). */
    private static final class ExitCalls {
        private static final int UTF8 = 1, LONG = 5, DOUBLE = 6, CLASS = 7, METHOD = 10;

        private final ByteBuffer bytes;
        /** The position of each constant, at its tag. */
        private final int[] constants;
        private final int end;

        private ExitCalls(byte[] code) {
            bytes = ByteBuffer.wrap(code);
            constants = new int[bytes.getShort(8) & 0xffff];
            int at = 10;
            for (int index = 1; index < constants.length; index++) {
                constants[index] = at;
                int tag = bytes.get(at);
                at += sizeOf(tag, at);
                if (tag == LONG || tag == DOUBLE) index++;
            }
            end = at;
        }

        private int sizeOf(int tag, int at) {
            return switch (tag) {
                case UTF8 -> 3 + (bytes.getShort(at + 1) & 0xffff);
                case LONG, DOUBLE -> 9;
                case CLASS, 8, 16, 19, 20 -> 3;
                case 15 -> 4;
                default -> 5;
            };
        }

        private int reference(int at) { return constants[bytes.getShort(at) & 0xffff]; }

        private boolean isText(int at, String text) {
            byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
            return (bytes.getShort(at + 1) & 0xffff) == wanted.length
                && ByteBuffer.wrap(wanted).equals(bytes.slice(at + 3, wanted.length));
        }

        private boolean isExit(int at) {
            int named = reference(at + 3);
            return isText(reference(reference(at + 1) + 1), "java/lang/System") && isText(reference(named + 1), "exit")
                && isText(reference(named + 3), "(I)V");
        }

        static byte[] redirected(byte[] code) {
            ExitCalls calls = new ExitCalls(code.clone());
            boolean found = false;
            int added = calls.constants.length;
            for (int index = 1; index < added; index++) {
                int at = calls.constants[index];
                if (at == 0 || calls.bytes.get(at) != METHOD || !calls.isExit(at)) continue;
                calls.bytes.putShort(at + 1, (short) (added + 1));
                found = true;
            }
            if (!found) return code;
            byte[] name = Exit.class.getName().getBytes(StandardCharsets.UTF_8);
            calls.bytes.putShort(8, (short) (added + 2));
            byte[] changed = calls.bytes.array();
            return ByteBuffer.allocate(code.length + name.length + 6).put(changed, 0, calls.end)
                .put((byte) UTF8).putShort((short) name.length).put(name).put((byte) CLASS).putShort((short) added)
                .put(changed, calls.end, changed.length - calls.end).array();
        }
    }

    /** The threads of the code. This group reports their uncaught exceptions, since JShell sets a silent default handler. */
    public static final class Threads extends ThreadGroup {
        private static volatile Thread.UncaughtExceptionHandler own, engine;
        private static Method snippet;

        private Threads() { super("code"); }

        /** The method that calls the one of a snippet. */
        private static Method prepared(Method method) throws NoSuchMethodException {
            own = handlerOfCode();
            snippet = method;
            return Threads.class.getMethod("call");
        }

        public static Object call() throws Throwable {
            engine = Thread.getDefaultUncaughtExceptionHandler();
            Thread.setDefaultUncaughtExceptionHandler(own);
            try {
                return snippet.invoke(null);
            } catch (InvocationTargetException failed) {
                throw failed.getCause();
            }
        }

        @Override public void uncaughtException(Thread thread, Throwable thrown) {
            Thread.UncaughtExceptionHandler handler = handlerOfCode();
            if (thrown.getClass().getName().equals(Exit.class.getName())) {
                System.err.println("[System.exit(" + thrown.getMessage() + ") has ended the thread " + thread.getName() + " only]");
            } else if (engine != null && (thrown instanceof ReflectiveOperationException || thrown instanceof ThreadDeath)) {
                engine.uncaughtException(thread, thrown);
            } else if (handler != null) {
                handler.uncaughtException(thread, thrown);
            } else {
                System.err.print(ofThread(thread, thrown));
            }
        }

        private static Thread.UncaughtExceptionHandler handlerOfCode() {
            Thread.UncaughtExceptionHandler current = Thread.getDefaultUncaughtExceptionHandler();
            return current != null && current.getClass().getName().startsWith("jdk.jshell.") ? own : current;
        }
    }

    public static void main(String[] arguments) {
        new Thread(new Threads(), () -> {
            try {
                serveAll();
            } catch (IOException closed) {
                System.exit(1);
            }
        }).start();
    }

    private static void serveAll() throws IOException {
        System.setOut(printer(FileDescriptor.out));
        System.setErr(printer(FileDescriptor.err));
        try (OutputStream replies = new FileOutputStream("/dev/fd/4"); BufferedReader requests = reader(3)) {
            Kernel kernel = new Kernel();
            kernel.listen();
            reply(replies, List.of("ready"));
            for (String line = requests.readLine(); line != null; line = requests.readLine()) {
                String[] request = decode(line);
                Outcome outcome = kernel.serve(request[1], request[4]);
                System.out.flush();
                System.err.flush();
                int limit = Integer.parseInt(request[3]);
                if (outcome.shown != null) reply(replies, List.of("result", request[1], "0", "1", "text/plain", cut(outcome.shown, limit)));
                Failure failure = outcome.failure;
                reply(replies, failure == null ? List.of("done", request[1], "0", "", "", "", kernel.endedEarly ? "1" : "0")
                    : List.of("done", request[1], "1", failure.name, cut(failure.value, limit), cut(failure.traceback, limit)));
            }
        }
        System.exit(0);
    }

    private static String cut(String text, int limit) { return text.length() > limit ? text.substring(0, limit) : text; }

    private static PrintStream printer(FileDescriptor descriptor) {
        return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
    }

    private static BufferedReader reader(int descriptor) throws IOException {
        return new BufferedReader(new InputStreamReader(new FileInputStream("/dev/fd/" + descriptor), StandardCharsets.UTF_8));
    }

    private static void reply(OutputStream replies, List<String> fields) throws IOException {
        List<String> encoded = new ArrayList<>();
        for (String field : fields) {
            for (String[] pair : LETTERS) field = field.replace(pair[0], "\u0001" + pair[1]);
            encoded.add(field);
        }
        replies.write((String.join("\t", encoded) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private static String[] decode(String line) {
        return Arrays.stream(line.split("\t", -1)).map(field -> {
            for (int pair = LETTERS.length - 1; pair >= 0; pair--) field = field.replace("\u0001" + LETTERS[pair][1], LETTERS[pair][0]);
            return field;
        }).toArray(String[]::new);
    }

    /** Interrupts are read on a thread of their own, because the main thread is busy with the run. */
    private void listen() {
        Thread listener = new Thread(() -> {
            try (BufferedReader interrupts = reader(5)) {
                for (String line = interrupts.readLine(); line != null; line = interrupts.readLine()) {
                    if (!decode(line)[1].equals(running)) continue;
                    interrupted = true;
                    shell.stop();
                }
            } catch (IOException closed) {
                System.exit(1);
            }
        });
        listener.setDaemon(true);
        listener.start();
        for (String name : IMPORTS.split(" ")) shell.eval("import " + name + ".*;");
    }

    /** Returns the error, or the value of the last expression if there is one. */
    private Outcome serve(String count, String code) {
        interrupted = false;
        exitedWell = false;
        running = count;
        List<String> shown = new ArrayList<>();
        Failure failure = null;
        try {
            failure = evaluateAll("run-" + count, code, shown);
        } catch (RuntimeException | Error broken) {
            failure = new Failure(broken.getClass().getSimpleName(), String.valueOf(broken.getMessage()), broken.toString());
        }
        boolean ranOut = interrupted;
        if (failure == null && !ranOut && !exitedWell) awaitThreads();
        endedEarly = interrupted && !ranOut;
        running = "";
        if (ranOut) {
            failure = new Failure("Interrupted", "The run was interrupted", "Interrupted: The run was interrupted");
        }
        return new Outcome(failure, failure == null && !exitedWell && !shown.isEmpty() ? shown.get(0) : null);
    }

    /** Gives threads that the run has started a moment, so that their output belongs to it, and tells what is left then. */
    private void awaitThreads() {
        List<Thread> started = liveThreads();
        started.removeAll(known);
        long deadline = System.nanoTime() + LINGER_MILLIS * 1_000_000;
        try {
            while (!interrupted && started.stream().anyMatch(Thread::isAlive) && System.nanoTime() < deadline) Thread.sleep(5);
        } catch (InterruptedException unexpected) {
            Thread.currentThread().interrupt();
        }
        known.clear();
        known.addAll(liveThreads());
        long left = started.stream().filter(Thread::isAlive).count();
        if (left > 0) System.err.println("[still going on: " + left + (left == 1 ? " thread]" : " threads]"));
    }

    /** The threads of the code that keep a program from ending. */
    private static List<Thread> liveThreads() {
        ThreadGroup group = Thread.currentThread().getThreadGroup();
        Thread[] found = new Thread[group.activeCount() + 16];
        int count = group.enumerate(found);
        return new ArrayList<>(Arrays.stream(found, 0, count)
            .filter(thread -> !thread.isDaemon() && thread != Thread.currentThread()).toList());
    }

    /** Definitions may refer to later ones; a program has to be complete. */
    private Failure evaluateAll(String run, String given, List<String> shown) {
        program = null;
        // A program has its package for itself.
        String code = !MAIN.matcher(given).find() ? given
            : PACKAGE.matcher(given).replaceFirst(found -> found.group().replaceAll("[^\n]", " "));
        Map<Snippet, String> incomplete = new LinkedHashMap<>();
        Failure failure = evaluateEach(run, code, shown, incomplete);
        for (Snippet snippet : incomplete.keySet()) {
            if (!isIncomplete(shell.status(snippet)) || !(snippet instanceof DeclarationSnippet part)) continue;
            boolean isProgram = failure == null && program instanceof TypeDeclSnippet && code.contains(part.source());
            if (isProgram) return unresolved(run, code, part);
            System.err.println(incomplete.get(part) + " " + limited(part, ", however, it ", ", however, its "));
        }
        if (failure != null || interrupted || !(program instanceof TypeDeclSnippet type)) return failure;
        SnippetEvent called = shell.eval(type.name() + ".main(new String[0]);").get(0);
        places.put(called.snippet().id(), places.get(type.id()));
        return failureOf(called.exception());
    }

    /** What cannot be done with a definition until others are there, in jshell's words. */
    private String limited(DeclarationSnippet snippet, String which, String whose) {
        List<String> missing = new ArrayList<>(shell.unresolvedDependencies(snippet).toList());
        String verb = missing.size() > 1 ? " are" : " is";
        if (missing.size() > 1) missing.add("and " + missing.remove(missing.size() - 1));
        String kind = snippet instanceof VarSnippet ? "variable" : snippet.subKind().name().split("_")[0].toLowerCase(Locale.ROOT);
        String limit = shell.status(snippet) == Snippet.Status.RECOVERABLE_NOT_DEFINED ? which + "cannot be referenced"
            : switch (kind) {
                case "method" -> which + "cannot be invoked";
                case "class", "record" -> which + "cannot be instantiated or its methods invoked";
                case "interface" -> whose + "methods cannot be invoked";
                default -> which + "cannot be used";
            };
        String name = snippet instanceof MethodSnippet method ? method.name() + "(" + method.parameterTypes() + ")" : snippet.name();
        return kind + " " + name + limit + " until " + String.join(", ", missing) + verb + " declared";
    }

    private void note(Snippet snippet) {
        boolean isType = snippet instanceof TypeDeclSnippet, isOther = !isType && snippet.kind() != Snippet.Kind.IMPORT;
        if (isOther || isType && program == null && MAIN.matcher(snippet.source()).find()) program = snippet;
    }

    private Failure failureOf(JShellException exception) {
        boolean isExit = exception instanceof EvalException raised && raised.getExceptionClassName().equals(Exit.class.getName());
        if (!isExit) return exception == null ? null : thrown(exception);
        exitedWell = exception.getMessage().equals("0");
        String value = "The code exited with code " + exception.getMessage();
        return exitedWell ? null : new Failure("Exit", value, "Exit: " + value);
    }

    /** The source of the next snippet, and the rest. Without its semicolon it ends where it does in jshell: with a line. */
    private String[] next(String code) {
        SourceCodeAnalysis.CompletionInfo whole = analysis.analyzeCompletion(code);
        String[] all = {whole.source() == null ? code : whole.source(), whole.source() == null ? "" : whole.remaining()};
        if (!all[0].strip().contains("\n") || !isErroneous(all[0])) return all;
        for (int end = code.indexOf('\n'), lines = 0; end >= 0 && lines < LINES; end = code.indexOf('\n', end + 1), lines++) {
            SourceCodeAnalysis.CompletionInfo info = analysis.analyzeCompletion(code.substring(0, end));
            boolean isContinued = !info.completeness().isComplete() || CONTINUED.matcher(code.substring(end)).lookingAt();
            if (!isContinued) return isErroneous(info.source()) ? all : new String[] {info.source(), code.substring(end)};
        }
        return all;
    }

    private boolean isErroneous(String source) {
        return analysis.sourceToSnippets(source).stream().anyMatch(snippet -> snippet.kind() == Snippet.Kind.ERRONEOUS);
    }

    private Failure unresolved(String run, String code, DeclarationSnippet snippet) {
        int start = code.indexOf(snippet.source());
        String missing = shell.unresolvedDependencies(snippet).findFirst().orElse("");
        Matcher name = Pattern.compile("\\b" + Pattern.quote(missing.replaceAll("^\\w+ |\\(.*", "")) + "\\b").matcher(code);
        return compileFailure(run, code, name.find(start) ? name.start() : start, "cannot find symbol: " + missing);
    }

    private static boolean isIncomplete(Snippet.Status status) {
        return status == Snippet.Status.RECOVERABLE_DEFINED || status == Snippet.Status.RECOVERABLE_NOT_DEFINED;
    }

    private Failure evaluateEach(String run, String code, List<String> shown, Map<Snippet, String> incomplete) {
        String rest = code;
        while (!rest.isBlank() && !interrupted && !exitedWell) {
            if (analysis.analyzeCompletion(rest).completeness() == SourceCodeAnalysis.Completeness.EMPTY) return null;
            String[] found = next(rest);
            shown.clear();
            Failure failure = evaluate(run, code, code.length() - rest.length(), found[0], shown, incomplete);
            if (failure != null) return failure;
            rest = found[1];
        }
        return null;
    }

    private Failure evaluate(
        String run, String code, int start, String source, List<String> shown, Map<Snippet, String> incomplete) {
        int begin = start + source.length() - source.stripLeading().length();
        Place place = new Place(run, lineAt(code, begin));
        for (SnippetEvent event : shell.eval(source.strip())) {
            Snippet snippet = event.snippet();
            places.put(snippet.id(), place);
            if (event.status() == Snippet.Status.REJECTED) {
                Diag problem = shell.diagnostics(snippet).filter(Diag::isError).findFirst().orElse(null);
                if (!isHiddenConstructor(problem)) return rejected(run, code, begin, problem);
                String mended = new StringBuilder(source.strip()).insert((int) problem.getStartPosition(), "public ").toString();
                return evaluate(run, code, begin, mended, shown, incomplete);
            }
            String change = event.previousStatus() == Snippet.Status.NONEXISTENT ? "created" : "modified";
            if (isIncomplete(event.status())) incomplete.putIfAbsent(snippet, change);
            if (event.exception() != null) return failureOf(event.exception());
            if (event.causeSnippet() == null) note(snippet);
            if (event.causeSnippet() == null && isShown(snippet) && event.value() != null) shown.add(event.value());
        }
        return null;
    }

    /** The stream returned by `printf` is not a result. */
    private static boolean isShown(Snippet snippet) {
        if (snippet instanceof VarSnippet shown && shown.typeName().matches("(java.io.)?PrintStream")) return false;
        return snippet.subKind().name().matches("TEMP_VAR_EXPRESSION_SUBKIND|VAR_VALUE_SUBKIND|OTHER_EXPRESSION_SUBKIND");
    }

    /** JShell makes records public, and then also asks for public constructors. */
    private static boolean isHiddenConstructor(Diag problem) {
        return problem != null && problem.getCode().endsWith(".invalid.canonical.constructor.in.record")
            && problem.getMessage(null).endsWith("; was public)");
    }

    private Failure rejected(String run, String code, int start, Diag problem) {
        if (problem == null) return new Failure("CompileError", "The code was rejected", "CompileError");
        String message = problem.getMessage(null).lines().filter(line -> !line.endsWith("class "))
            .reduce((one, other) -> one + "\n" + other).orElse("");
        return compileFailure(run, code, Math.min(code.length(), start + (int) Math.max(0, problem.getPosition())), message);
    }

    private static Failure compileFailure(String run, String code, int position, String message) {
        int lineStart = code.lastIndexOf('\n', position - 1) + 1;
        int lineEnd = code.indexOf('\n', position) < 0 ? code.length() : code.indexOf('\n', position);
        String traceback = run + ":" + (lineAt(code, lineStart) + 1) + ": error: " + message + "\n"
            + code.substring(lineStart, lineEnd) + "\n" + " ".repeat(Math.max(0, position - lineStart)) + "^";
        return new Failure("CompileError", message, traceback);
    }

    private Failure thrown(JShellException exception) {
        String name = withoutWrappers(exception instanceof EvalException raised
            ? raised.getExceptionClassName() : exception.getClass().getSimpleName());
        String value = exception instanceof UnresolvedReferenceException early ? "attempted to "
            + (early.getSnippet() instanceof MethodSnippet ? "call " : "use ") + limited(early.getSnippet(), " which ", " whose ")
            : withoutWrappers(exception.getMessage() == null ? "" : exception.getMessage());
        StringBuilder traceback = new StringBuilder(value.isEmpty() ? name : name + ": " + value);
        StackTraceElement[] frames = exception.getStackTrace();
        for (int index = 0; index < Math.min(frames.length, FRAMES); index++) {
            traceback.append("\n    at ").append(frameText(frames[index]));
        }
        if (frames.length > FRAMES) traceback.append("\n    ... ").append(frames.length - FRAMES).append(" more");
        if (exception.getCause() instanceof JShellException cause) traceback.append("\nCaused by: ").append(thrown(cause).traceback);
        return new Failure(name.substring(name.lastIndexOf('.') + 1), value, traceback.toString());
    }

    /** Names as in the code: JShell wraps each snippet in a class. */
    private static String withoutWrappers(String text) { return text.replaceAll("\\bREPL\\.\\$JShell\\$\\w+?[$.](?=\\w)", ""); }

    /** Like Java's own report, but without line numbers of the code, which only JShell knows. */
    private static String ofThread(Thread thread, Throwable thrown) {
        StringBuilder text = new StringBuilder("Exception in thread \"" + thread.getName() + "\" ");
        for (Throwable each = thrown; each != null; each = each.getCause()) {
            text.append(each == thrown ? "" : "Caused by: ").append(withoutWrappers(each.toString())).append("\n");
            for (StackTraceElement frame : each.getStackTrace()) {
                boolean isOwn = frame.getClassName().startsWith("REPL.");
                text.append("    at ").append(isOwn ? frame.getMethodName() : frame.toString()).append("\n");
            }
        }
        return text.toString();
    }

    /** The number of lines before a position. */
    private static int lineAt(String code, int position) {
        return (int) code.substring(0, position).chars().filter(character -> character == '\n').count();
    }

    /** The file name of a frame is "#" and the id of the snippet. */
    private String frameText(StackTraceElement frame) {
        String file = frame.getFileName();
        Place place = file == null || !file.startsWith("#") ? null : places.get(file.substring(1));
        if (place == null) return frame.toString();
        String where = place.run + ":" + (place.line + frame.getLineNumber());
        return frame.getMethodName().isEmpty() ? where : frame.getMethodName() + "(" + where + ")";
    }
}
