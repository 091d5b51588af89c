"""Sessions: how they are made, found, kept, labelled, listed and ended."""
import os
import uuid

from report import Walk, holds, same, until
from v0_12_0 import AGB
from v0_12_0_api import Api

walk = Walk()

IMAGE = "agb-code-space-1"


def made(agb, **options):
    result = agb.create(IMAGE, **options)
    holds(result.success, result)
    return result.data


@walk.observes("getSession", "info, status and link")
def restored(agb, session):
    found = agb.get_session(session.session_id)
    holds(found.success and found.status == 200 and found.reply["code"] in ("ok", ""), found)
    holds(found.data["appInstanceId"] and found.data["resourceId"], found.data)
    holds("resourceId=" in found.data["resourceUrl"], found.data)
    again = agb.get(session.session_id)
    holds(again.success and again.data.ws_url == session.ws_url and again.data.token == session.token, again)
    same(session.get_status().data, "RUNNING")
    holds("resourceId=" in session.info().data["resourceUrl"])
    holds(session.get_link().request_id)


@walk.observes("get on deleted / unknown id", "Deleted session", "Second delete", "delete polls until it is gone")
def after_the_end(agb, _session):
    session = made(agb)
    holds(agb.delete(session).success)
    for session_id in (session.session_id, "session-nonexistent-12345"):
        missing = agb.get(session_id)
        holds(not missing.success and missing.data is None and missing.error_message, missing)
    for result in (session.code.run("1", "python"), session.file.write("/tmp/x", "x")):
        holds(not result.success and result.error_message, result)
    holds(agb.delete(session).request_id)
    holds(not agb.get(" ").success)


@walk.observes("Labels")
def labels(agb, session):
    mine = uuid.uuid4().hex
    same(made(agb).get_labels().data, {})
    other = made(agb, labels={"of": mine, "owner": "team a"})
    same(other.get_labels().data, {"of": mine, "owner": "team a"})
    same(agb.list({"of": mine}).data, [other.session_id])
    holds(other.set_labels({"of": mine, "owner": "b & c + d"}).success)
    same(other.get_labels().data, {"of": mine, "owner": "b & c + d"})
    same(agb.list({"of": mine, "owner": "team a"}).data, [])
    agb.delete(other)


@walk.observes("List", "paging walks from token to token")
def listed(agb, _session):
    mine = {"of": uuid.uuid4().hex}
    sessions = [made(agb, labels=mine) for _ in range(5)]
    pages = [agb.list(mine, page, 2) for page in (1, 2, 3)]
    same([len(page.data) for page in pages], [2, 2, 1])
    same([page.reply["count"] for page in pages], [5, 5, 5])
    same({name for page in pages for name in page.data}, {session.session_id for session in sessions})
    holds(not pages[2].reply.get("nextToken"), pages[2].reply)
    holds(not agb.list(mine, 9, 2).success)
    for session in sessions:
        agb.delete(session)
    nothing = agb.list(mine)
    holds(nothing.success and nothing.data == [] and nothing.reply["count"] == 0, nothing)


@walk.observes("keepAlive")
def keep_alive(agb, _session):
    """One is kept alive, of the other only the status is asked for."""
    kept, watched = (made(agb, idle_release_timeout=3) for _ in range(2))
    until(lambda: kept.keep_alive().success and not watched.get_status().success, patience=120, interval=0.5)
    same(kept.get_status().data, "RUNNING")
    until(lambda: not kept.get_status().success, patience=120, interval=0.5)


@walk.observes("listTools", "Unknown tool", "Metrics")
def tools(agb, session):
    names = {tool["name"] for tool in session.list_mcp_tools().data}
    holds({"shell", "run_code", "read_file", "write_file"} <= names, names)
    unknown = session.call_mcp_tool("non_existent_tool_12345", {})
    holds(not unknown.success and unknown.error_message, unknown)
    metrics = session.get_metrics()
    holds(metrics.success, metrics)
    for name in ("cpu_count", "mem_total", "disk_total"):
        holds(isinstance(metrics.data[name], int) and metrics.data[name] > 0, name, metrics.data)


@walk.observes("bad key")
def bad_key(_agb, session):
    stranger = AGB("akm-99999999-0000-0000-0000-000000000000")
    refused = stranger.create(IMAGE)
    holds(not refused.success and refused.error_message, refused)
    same(stranger.get_session(session.session_id).status, 401)


@walk.observes("browser and desktop tools say that they are missing")
def no_browser(_agb, session):
    port = session.by_query("/browser/init", persistentPath="/tmp/agb_browser_data", browserOption="{}")
    link = session.by_query("/internet/getCdpLink")
    shot = session.call_mcp_tool("page_use_screenshot", {"context_id": 0, "full_page": True, "quality": 80})
    click = session.call_mcp_tool("click_mouse", {"x": 1, "y": 2, "button": "left"})
    for result in (port, link, shot, click):
        holds(not result.success and result.request_id and result.error_message, result)
    holds(session.get_status().success)


@walk.observes("endpoint, key and an unreachable server")
def nobody_there(_agb, _session):
    there = os.environ["AGB_ENDPOINT"]
    os.environ["AGB_ENDPOINT"] = "http://127.0.0.1:9"
    try:
        refused = Api().get("/sdk/ListSession", {"maxResults": 10, "labels": "{}"})
    finally:
        os.environ["AGB_ENDPOINT"] = there
    holds(not refused.success and refused.error_message, refused)
