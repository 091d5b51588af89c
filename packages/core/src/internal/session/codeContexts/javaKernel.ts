/**
 * The kernel of a code context for Java 17 or newer, over JShell: reads runs from descriptor 3, one JSON object a line, and writes
 * results and ends to descriptor 4. Java compiles it when it starts.
 */
export const javaKernel = String.raw`
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.regex.*;
import jdk.jshell.*;

public final class Kernel {
    static final String IMPORTS = "java.io java.math java.net java.nio.file java.util java.util.concurrent "
        + "java.util.function java.util.regex java.util.stream";
    static final Pattern RUN = Pattern.compile("\\{\"count\":(\\d+),\"code\":\"(.*)\"\\}", Pattern.DOTALL);
    static final Pattern INTERRUPT = Pattern.compile("\\{\"interrupt\":(\\d+)\\}");
    static final Pattern ESCAPE = Pattern.compile("\\\\(u[0-9a-f]{4}|.)");
    static final int FRAMES = 50;

    record Run(int count, String code) {}

    record Failure(String name, String value, String traceback) {}

    /** Where a snippet is: in which run, below how many lines. */
    record Place(int run, int line) {}

    final LinkedBlockingQueue<Run> runs = new LinkedBlockingQueue<>();
    final OutputStream events = new FileOutputStream("/dev/fd/4");
    final JShell shell = JShell.builder().executionEngine("local").build();
    final SourceCodeAnalysis analysis = shell.sourceCodeAnalysis();
    final Map<String, Place> places = new HashMap<>();
    volatile int ended;
    volatile int interrupted;

    Kernel() throws IOException {}

    public static void main(String[] arguments) throws Exception {
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8));
        Kernel kernel = new Kernel();
        Thread reader = new Thread(kernel::readRequests);
        reader.setDaemon(true);
        reader.start();
        for (String name : IMPORTS.split(" ")) kernel.shell.eval("import " + name + ".*;");
        while (true) kernel.serve(kernel.runs.take());
    }

    void readRequests() {
        try (BufferedReader requests = new BufferedReader(
            new InputStreamReader(new FileInputStream("/dev/fd/3"), StandardCharsets.UTF_8))) {
            for (String line = requests.readLine(); line != null; line = requests.readLine()) {
                Matcher run = RUN.matcher(line), interrupt = INTERRUPT.matcher(line);
                if (run.matches()) runs.add(new Run(Integer.parseInt(run.group(1)), unquoted(run.group(2))));
                else if (interrupt.matches()) interrupt(Integer.parseInt(interrupt.group(1)));
            }
        } catch (IOException | InterruptedException closed) {
        }
        Runtime.getRuntime().halt(0);
    }

    /** JShell stops nothing while it compiles, so it is told until the run has ended. */
    void interrupt(int count) throws InterruptedException {
        interrupted = count;
        while (ended < count) {
            shell.stop();
            Thread.sleep(20);
        }
    }

    static String unquoted(String text) {
        return ESCAPE.matcher(text).replaceAll(found -> Matcher.quoteReplacement(switch (found.group(1).charAt(0)) {
            case 'n' -> "\n";
            case 'r' -> "\r";
            case 't' -> "\t";
            case 'b' -> "\b";
            case 'f' -> "\f";
            case 'u' -> String.valueOf((char) Integer.parseInt(found.group(1).substring(1), 16));
            default -> found.group(1);
        }));
    }

    static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char each : text.toCharArray()) {
            if (each == '"' || each == '\\') quoted.append('\\').append(each);
            else if (each < ' ' || Character.isSurrogate(each)) quoted.append(String.format("\\u%04x", (int) each));
            else quoted.append(each);
        }
        return quoted.append('"').toString();
    }

    void emit(String event) throws IOException {
        System.out.flush();
        System.err.flush();
        events.write((event + "\n").getBytes(StandardCharsets.UTF_8));
    }

    void serve(Run run) throws IOException {
        long begun = System.nanoTime();
        List<String> shown = new ArrayList<>();
        Failure failure = null;
        try {
            failure = evaluateAll(run, shown);
        } catch (RuntimeException | Error broken) {
            failure = new Failure(broken.getClass().getSimpleName(), String.valueOf(broken.getMessage()), broken.toString());
        }
        if (interrupted == run.count) {
            failure = new Failure("Interrupted", "the run was interrupted", "Interrupted: the run was interrupted");
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        if (failure == null && !shown.isEmpty()) {
            emit("{\"type\":\"result\",\"data\":{\"text/plain\":" + quoted(shown.get(0)) + "},\"isMainResult\":true}");
        }
        String error = failure == null ? "null" : "{\"name\":" + quoted(failure.name) + ",\"value\":" + quoted(failure.value)
            + ",\"traceback\":" + quoted(failure.traceback) + "}";
        emit("{\"type\":\"done\",\"count\":" + run.count + ",\"seconds\":" + seconds + ",\"error\":" + error + "}");
        ended = run.count;
    }

    /** Definitions may refer to later ones of the same run; what is then still missing is an error. */
    Failure evaluateAll(Run run, List<String> shown) {
        Map<DeclarationSnippet, Integer> incomplete = new LinkedHashMap<>();
        String rest = run.code;
        while (!rest.isBlank() && interrupted != run.count) {
            SourceCodeAnalysis.CompletionInfo info = analysis.analyzeCompletion(rest);
            if (info.completeness() == SourceCodeAnalysis.Completeness.EMPTY) break;
            String source = info.source() == null ? rest : info.source();
            int start = run.code.length() - rest.length() + source.length() - source.stripLeading().length();
            shown.clear();
            Failure failure = evaluate(run, start, source.strip(), shown, incomplete);
            if (failure != null) return failure;
            rest = info.source() == null ? "" : info.remaining();
        }
        for (Map.Entry<DeclarationSnippet, Integer> entry : incomplete.entrySet()) {
            if (!isIncomplete(shell.status(entry.getKey()))) continue;
            String missing = shell.unresolvedDependencies(entry.getKey()).findFirst().orElse("");
            return rejected(run, entry.getValue(), "cannot find symbol: " + missing);
        }
        return null;
    }

    Failure evaluate(Run run, int start, String source, List<String> shown, Map<DeclarationSnippet, Integer> incomplete) {
        for (SnippetEvent event : shell.eval(source)) {
            Snippet snippet = event.snippet();
            places.put(snippet.id(), new Place(run.count, lineAt(run.code, start)));
            if (event.status() == Snippet.Status.REJECTED) {
                Diag problem = shell.diagnostics(snippet).filter(Diag::isError).findFirst().orElse(null);
                if (problem == null) return rejected(run, start, "the code was rejected");
                String text = String.join("\n", problem.getMessage(null).lines().filter(line -> !line.endsWith("class ")).toList());
                return rejected(run, start + (int) Math.max(0, problem.getPosition()), text);
            }
            if (isIncomplete(event.status())) incomplete.put((DeclarationSnippet) snippet, start);
            if (event.exception() != null) return thrown(event.exception());
            if (event.causeSnippet() == null && isShown(snippet) && event.value() != null) shown.add(event.value());
        }
        return null;
    }

    static boolean isIncomplete(Snippet.Status status) {
        return status == Snippet.Status.RECOVERABLE_DEFINED || status == Snippet.Status.RECOVERABLE_NOT_DEFINED;
    }

    /** The stream that printf returns is no result. */
    static boolean isShown(Snippet snippet) {
        if (snippet instanceof VarSnippet value && value.typeName().matches("(java.io.)?PrintStream")) return false;
        return switch (snippet.subKind()) {
            case TEMP_VAR_EXPRESSION_SUBKIND, VAR_VALUE_SUBKIND, OTHER_EXPRESSION_SUBKIND -> true;
            default -> false;
        };
    }

    static Failure rejected(Run run, int at, String message) {
        String code = run.code + "\n";
        int position = Math.min(at, run.code.length()), begin = code.lastIndexOf('\n', position - 1) + 1;
        String line = code.substring(begin, code.indexOf('\n', position)), caret = " ".repeat(position - begin) + "^";
        String place = "run-" + run.count + ":" + (lineAt(code, position) + 1);
        return new Failure("CompileError", message, place + ": error: " + message + "\n" + line + "\n" + caret);
    }

    Failure thrown(JShellException exception) {
        String name = unwrapped(exception instanceof EvalException raised
            ? raised.getExceptionClassName() : exception.getClass().getSimpleName());
        String value = unwrapped(exception.getMessage() == null ? "" : exception.getMessage());
        StringBuilder traceback = new StringBuilder(value.isEmpty() ? name : name + ": " + value);
        StackTraceElement[] frames = exception.getStackTrace();
        for (int index = 0; index < Math.min(frames.length, FRAMES); index++) {
            traceback.append("\n    at ").append(frameText(frames[index]));
        }
        if (frames.length > FRAMES) traceback.append("\n    ... ").append(frames.length - FRAMES).append(" more");
        if (exception.getCause() instanceof JShellException cause) {
            traceback.append("\nCaused by: ").append(thrown(cause).traceback);
        }
        return new Failure(name.substring(name.lastIndexOf('.') + 1), value, traceback.toString());
    }

    /** Class names as in the code: JShell wraps each snippet in a class. */
    static String unwrapped(String text) {
        return text.replaceAll("\\bREPL\\.\\$JShell\\$\\w+?[$.](?=\\w)", "");
    }

    /** The file name of a frame is "#" and the id of the snippet. */
    String frameText(StackTraceElement frame) {
        String file = frame.getFileName();
        Place place = file == null || !file.startsWith("#") ? null : places.get(file.substring(1));
        if (place == null) return frame.toString();
        String where = "run-" + place.run + ":" + (place.line + frame.getLineNumber());
        return frame.getMethodName().isEmpty() ? where : frame.getMethodName() + "(" + where + ")";
    }

    static int lineAt(String code, int position) {
        return (int) code.substring(0, position).chars().filter(each -> each == '\n').count();
    }
}
`.trim()
