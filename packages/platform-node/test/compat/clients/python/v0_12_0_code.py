"""Running code: over the tool, or streamed over the session's WebSocket."""
import json
from dataclasses import dataclass, field
from typing import Any

from v0_12_0_stream import Stream, StreamFailed

ALIASES = {"py": "python", "python3": "python", "js": "javascript", "node": "javascript", "nodejs": "javascript"}
LANGUAGES = ("python", "javascript", "java", "r")
NAMES = {
    "text": ("text/plain", "text"),
    "html": ("text/html", "html"),
    "markdown": ("text/markdown", "markdown"),
    "png": ("image/png", "png"),
    "jpeg": ("image/jpeg", "jpeg"),
    "svg": ("image/svg+xml", "svg"),
    "json": ("application/json", "json"),
    "latex": ("text/latex", "latex"),
    "chart": ("application/vnd.vegalite.v4+json", "application/vnd.vegalite.v5+json", "chart"),
}


@dataclass
class CodeResult:
    request_id: str = ""
    success: bool = False
    stdout: list = field(default_factory=list)
    stderr: list = field(default_factory=list)
    results: list = field(default_factory=list)
    error_message: str = ""
    execution_time: Any = 0

    @property
    def result(self):
        """The main result, else the first text, else what was printed."""
        main = [item["text"] for item in self.results if item["is_main_result"] and item["text"] is not None]
        any_text = [item["text"] for item in self.results if item["text"] is not None]
        return (main or any_text or ["".join(self.stdout)])[0]


def item_of(value):
    """An object, or the JSON text of one, perhaps encoded twice; any other text is a text item."""
    for _ in range(2):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                break
    if not isinstance(value, dict):
        value = {"text": str(value)}
    found = {name: next((value[key] for key in keys if key in value), None) for name, keys in NAMES.items()}
    return {**found, "is_main_result": bool(value.get("isMainResult", value.get("is_main_result")))}


def parse(result):
    if not result.success:
        return CodeResult(result.request_id, error_message=result.error_message)
    if not result.data:
        return CodeResult(result.request_id, error_message="No data returned")
    try:
        data = json.loads(result.data)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        shown = [item_of({"text": result.data, "isMainResult": True})]
        return CodeResult(result.request_id, True, [result.data], [], shown)
    error = data.get("executionError") or ""
    items = [item_of(value) for value in data.get("result") or []]
    good = not error and data.get("isError") is not True
    taken = data.get("execution_time", 0)
    return CodeResult(result.request_id, good, data["stdout"], data["stderr"], items, error, taken)


class Code:
    def __init__(self, session):
        self.session, self.stream = session, None

    def run(self, code, language, timeout_s=60, stream_beta=False, on_stdout=None, on_stderr=None):
        language = language.strip().lower()
        language = ALIASES.get(language, language)
        if language not in LANGUAGES:
            return CodeResult(error_message=f"Unsupported language: {language}")
        if stream_beta:
            return self.run_stream(code, language, timeout_s, on_stdout, on_stderr)
        return parse(self.session.call_mcp_tool("run_code", {"code": code, "language": language, "timeout_s": timeout_s}))

    def run_stream(self, code, language, timeout_s, on_stdout, on_stderr):
        if not self.session.ws_url or not self.session.token:
            return CodeResult(error_message="ws_url is not available for this session")
        try:
            call = self.connect().call(
                self.session.find_server("run_code") or "wuying_codespace",
                {"method": "run_code", "mode": "stream",
                 "params": {"language": language, "timeoutS": timeout_s, "code": code}},
            )
        except StreamFailed as error:
            return CodeResult(error_message=str(error))
        result = CodeResult(call.invocation_id)
        try:
            for data in call.events(300):
                self.take(result, data, on_stdout, on_stderr)
        except StreamFailed as error:
            result.request_id, result.error_message = "", str(error)
            return result
        return result

    @staticmethod
    def take(result, data, on_stdout, on_stderr):
        if data["phase"] == "end":
            result.error_message = data.get("executionError") or result.error_message
            result.execution_time = data.get("executionTime")
            result.success = not result.error_message and data.get("status") != "failed"
        elif data.get("eventType") in ("stdout", "stderr"):
            listener = on_stdout if data["eventType"] == "stdout" else on_stderr
            getattr(result, data["eventType"]).append(data["chunk"])
            if listener:
                listener(data["chunk"])
        elif data.get("eventType") == "result":
            shown = data["result"]
            main = {"isMainResult": shown.get("isMainResult")} if isinstance(shown, dict) else {}
            result.results.append(item_of({**shown["mime"], **main} if isinstance(shown, dict) else {"text": shown}))
        elif data.get("eventType") == "error":
            result.error_message = data["error"].get("message", "")

    def connect(self):
        if self.stream is None:
            self.stream = Stream(self.session.ws_url, self.session.token)
        return self.stream

    def close(self):
        if self.stream is not None:
            self.stream.close()
            self.stream = None
