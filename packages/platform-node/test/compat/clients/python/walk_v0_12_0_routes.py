"""The link of a session, its WebSocket, and the way into it from outside."""
import threading
import time

import httpx
from report import Walk, holds, same, until
from v0_12_0_stream import Stream, StreamFailed

walk = Walk()


@walk.observes("Link route", "the route is chosen per call")
def link(agb, session):
    browser = agb.create("agb-browser-use-1").data
    restored = agb.get(browser.session_id).data
    for reached in (browser, restored):
        result = reached.command.execute("echo link", timeout_ms=10000)
        holds(result.success and result.request_id.startswith("link-"), result)
        same(result.data["stdout"], "link\n")
    holds(browser.file.write("/tmp/l.txt", "via link").success)
    same(browser.file.read("/tmp/l.txt").data, "via link")
    same(browser.code.run("6 * 7", "python").result, "42")
    failed = browser.call_mcp_tool("read_file", {"path": "/tmp/nope"})
    holds(not failed.success and "nope" in failed.error_message, failed)
    unlisted = browser.call_mcp_tool("page_use_navigate", {"url": "u"})
    holds(not unlisted.success and not unlisted.request_id.startswith("link-"), unlisted)
    browser.token = "t-another"
    same(browser.command.execute("true").error_message, "HTTP request failed with code: 401")
    holds(not session.command.execute("true").request_id.startswith("link-"))
    agb.delete(restored)


@walk.observes("Streaming")
def stream(_agb, session):
    """What is printed arrives when it is printed, not at the end."""
    told = []
    result = session.code.run(
        "import time\nprint('one', flush=True)\ntime.sleep(1)\nprint('two', flush=True)\n6 * 7",
        "python", stream_beta=True, on_stdout=lambda chunk: told.append((chunk, time.monotonic())),
    )
    holds(result.success and len(result.request_id) == 32, result)
    same("".join(chunk for chunk, _ in told), "one\ntwo\n")
    holds(told[-1][1] - told[0][1] >= 0.8, told)
    same((result.result, result.results[-1]["is_main_result"]), ("42", True))


@walk.observes("streams: errors, timeouts and many at once")
def streams(_agb, session):
    failed = session.code.run("import sys\nprint('warn', file=sys.stderr)\n1 / 0", "python", stream_beta=True)
    holds(not failed.success and "division by zero" in failed.error_message, failed)
    holds("warn\n" in "".join(failed.stderr), failed)
    late = session.code.run("print('begun', flush=True)\nimport time\ntime.sleep(30)", "python", 1, True)
    holds(not late.success and "timeout" in late.error_message and late.stdout == ["begun\n"], late)
    results = {}
    languages = {"python": "print('hi')", "javascript": "console.log('hi')"}

    def run(language):
        results[language] = session.code.run(languages[language], language, stream_beta=True)

    threads = [threading.Thread(target=run, args=(language,)) for language in languages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    same({language: "".join(result.stdout) for language, result in results.items()},
         {"python": "hi\n", "javascript": "hi\n"})


@walk.observes("WebSocket on browser image")
def on_browser_image(agb, _session):
    browser = agb.create("agb-browser-use-1").data
    params = {"language": "python", "timeoutS": 60, "code": "x=1"}
    frames = browser.code.connect().call("wuying_codespace", {"method": "run_code", "mode": "stream", "params": params})
    same([data["phase"] for data in frames.events(60)], ["end"])
    agb.delete(browser)


@walk.observes("heartbeat: pings are answered")
def heartbeat(_agb, session):
    beating = Stream(session.ws_url, session.token, heartbeat=0.1)
    for _ in range(3):
        beating.ping()
        time.sleep(0.2)
    same(beating.states, ["RECONNECTING", "OPEN"])
    beating.close()


@walk.observes("a lost connection fails what is pending and is made anew")
def reconnect(_agb, session):
    losing = Stream(session.ws_url, session.token)
    params = {"language": "python", "timeoutS": 60, "code": "import time; time.sleep(3)"}
    pending = losing.call("wuying_codespace", {"method": "run_code", "mode": "stream", "params": params})
    losing.lose()
    try:
        same(list(pending.events(30)), "nothing")
    except StreamFailed as error:
        same(str(error), "connection closed")
    until(lambda: losing.states.count("OPEN") == 2)
    params = {"language": "python", "timeoutS": 60, "code": "print('again')"}
    again = losing.call("wuying_codespace", {"method": "run_code", "mode": "stream", "params": params})
    same([data["chunk"] for data in again.events(60) if data.get("eventType") == "stdout"], ["again\n"])
    losing.close()


@walk.observes("a WebSocket needs the session's token")
def stranger(_agb, session):
    try:
        Stream(session.ws_url, "t-another")
    except StreamFailed as error:
        holds("401" in str(error), error)
    else:
        raise AssertionError("a stranger was let in")


@walk.observes("links into a session")
def links(_agb, session):
    serve = "nohup python3 -m http.server 30100 --directory /tmp/served > /dev/null 2>&1 &"
    holds(session.file.mkdir("/tmp/served").success and session.file.write("/tmp/served/a.txt", "served").success)
    holds(session.command.execute(serve, timeout_ms=10000).success)
    address = session.get_link("https", 30100)
    holds(address.success, address)

    def body():
        response = httpx.get(address.data["url"].rstrip("/") + "/a.txt", timeout=10)
        return response.text if response.status_code == 200 else None

    same(until(body), "served")
    holds(not session.get_link("https", 8080).success)
