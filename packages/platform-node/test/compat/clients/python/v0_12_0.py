"""
The Python client v0.12.0, written from what it sends and how it reads what comes back: `requests` for the API, `httpx`
for links and presigned addresses, `websockets` for streams.
"""
import json
import random
import time

import httpx
from v0_12_0_api import Api, Result
from v0_12_0_code import Code
from v0_12_0_contexts import Contexts
from v0_12_0_files import FileSystem

STATS = {"source": "sdk", "sdk_language": "python", "sdk_version": "0.12.0", "is_release": False}


class AGB:
    def __init__(self, api_key=None):
        self.api = Api(api_key)
        self.context = Contexts(self.api)

    def create(self, image_id, labels=None, idle_release_timeout=None, context_syncs=()):
        """Afterwards it waits until the contexts that were asked for are there."""
        if not image_id:
            return Result(error_message="image_id is required")
        body = {}
        if labels:
            body["labels"] = json.dumps(labels)
        if idle_release_timeout:
            body["timeout"] = idle_release_timeout
        if context_syncs:
            body["persistenceDataList"] = [
                {"contextId": context_id, "path": path, "policy": json.dumps(policy)}
                for context_id, path, policy in context_syncs
            ]
        query = {"imageId": image_id, "sdkStats": json.dumps(STATS, separators=(",", ":"))}
        result = self.api.post("/mcp/createSession", query, body)
        data = result.data or {}
        if data.get("success") is False or not data.get("sessionId"):
            result.success, result.error_message = False, data.get("errMsg") or result.error_message
            return result
        session = Session(self, data, image_id)
        if context_syncs:
            session.wait_for_contexts()
        return Result(result.request_id, True, session)

    def get_session(self, session_id):
        if not session_id.strip():
            return Result(error_message="session_id is required")
        return self.api.post("/mcp/getSession", None, {"sessionId": session_id})

    def get(self, session_id):
        result = self.get_session(session_id)
        if not result.success:
            said = f"Failed to get session {session_id}: {result.error_message}"
            return Result(result.request_id, error_message=said)
        return Result(result.request_id, True, Session(self, result.data, None))

    def list(self, labels=None, page=1, limit=10):
        """Page N walks the pages before it for their tokens."""
        token, result = None, None
        for number in range(1, page + 1):
            query = {"maxResults": limit, "nextToken": token, "labels": json.dumps(labels or {})}
            result = self.api.get("/sdk/ListSession", query)
            if not result.success:
                result.error_message = f"Failed to list sessions: {result.error_message}"
                return result
            token = result.reply.get("nextToken")
            if number < page and not token:
                return Result(result.request_id, error_message=f"Cannot reach page {page}: No more pages available")
        result.data = [item["sessionId"] for item in result.data]
        return result

    def delete(self, session, sync_context=False):
        return session.delete(sync_context)


class Session:
    def __init__(self, agb, data, image_id):
        self.agb, self.api, self.image_id = agb, agb.api, image_id
        self.session_id = data["sessionId"]
        self.resource_url = data.get("resourceUrl", "")
        self.link_url, self.ws_url, self.token = (data.get(name) or "" for name in ("linkUrl", "wsUrl", "token"))
        self.servers = servers_in(data.get("toolList"))
        self.code, self.command, self.file = Code(self), Command(self), FileSystem(self)

    def find_server(self, tool):
        return self.servers.get(tool)

    def call_mcp_tool(self, name, args):
        """Over the link where there is one and the tool has a server, else over the API."""
        server = self.find_server(name)
        if self.link_url and self.token and server:
            return self.call_link(name, args, server)
        body = {"args": json.dumps(args, ensure_ascii=False), "sessionId": self.session_id, "name": name}
        result = self.api.post("/mcp", {"autoGenSession": "false"}, body)
        content = result.data or {}
        said = [item["text"] for item in content.get("content") or [] if item.get("type") == "text"]
        text = "\n".join(said) if said else None
        if not result.success or content.get("isError"):
            message = result.reply.get("message") or text or result.error_message or "Tool execution failed"
            return Result(result.request_id, False, None, message)
        return Result(result.request_id, True, text)

    def call_link(self, name, args, server):
        request_id = f"link-{int(time.time() * 1000)}-{random.randrange(10**9):09d}"
        body = {"args": args, "server": server, "requestId": request_id, "tool": name, "token": self.token}
        url = f"{self.link_url.rstrip('/')}/callTool"
        headers = {"Content-Type": "application/json", "X-Access-Token": self.token}
        with httpx.Client(timeout=900) as client:
            response = client.post(url, json=body, headers=headers)
        if not 200 <= response.status_code < 300:
            return Result(request_id, error_message=f"HTTP request failed with code: {response.status_code}")
        data = response.json().get("data")
        data = json.loads(data) if isinstance(data, str) else data
        first = (data["result"].get("content") or [""])[0]
        text = first if isinstance(first, str) else first.get("text") or first.get("blob") or first.get("data")
        failed = data["result"].get("isError") is True
        return Result(request_id, not failed, None if failed else text, text if failed else "")

    def by_body(self, path):
        return self.api.post(path, None, {"sessionId": self.session_id})

    def by_query(self, endpoint, **query):
        return self.api.post(endpoint, {"sessionId": self.session_id, **query})

    def info(self):
        return self.by_body("/mcp/getMcpResource")

    def get_status(self):
        result = self.by_body("/mcp/getSessionInfo")
        if result.success:
            result.data = result.data.get("status") or result.data.get("Status")
        return result

    def keep_alive(self):
        return self.by_query("/mcp/refreshSessionIdleTime")

    def get_link(self, protocol_type=None, port=None):
        query = {"sessionId": self.session_id, "protocolType": protocol_type, "port": port}
        return self.api.get("/internet/getLink", query)

    def set_labels(self, labels):
        return self.by_query("/sdk/SetLabel", Labels=json.dumps(labels))

    def get_labels(self):
        result = self.api.get("/sdk/GetLabel", {"sessionId": self.session_id})
        if result.success:
            result.data = json.loads((result.data or {}).get("labels") or "{}")
        return result

    def get_metrics(self):
        result = self.call_mcp_tool("get_metrics", {})
        return Result(result.request_id, result.success, json.loads(result.data)) if result.success else result

    def list_mcp_tools(self, image_id=None):
        result = self.api.post("/mcp/listTools", {"imageId": image_id or self.image_id or ""})
        if result.success:
            result.data = json.loads(result.data) if isinstance(result.data, str) and result.data else []
        return result

    def context_status(self, **filters):
        """The items of records of type `data`."""
        result = self.api.get("/sdk/GetContextInfo", {"sessionId": self.session_id, **filters})
        if result.success:
            records = json.loads((result.data or {}).get("contextStatus") or "[]")
            data = [record["data"] for record in records if record["type"] == "data"]
            result.data = [item for text in data for item in json.loads(text)]
        return result

    def wait_for_contexts(self, interval=2.0, tries=150):
        for _ in range(tries):
            if all(item["status"] in ("Success", "Failed") for item in self.context_status().data or []):
                return
            time.sleep(interval)

    def sync(self, context_id=None, path=None, mode=None, interval=1.5, tries=150):
        which = {"contextId": context_id, "path": path}
        started = self.by_query("/sdk/SyncContext", **which, mode=mode)
        if not started.success:
            return started
        for _ in range(tries):
            items = self.context_status(**which).data or []
            if all(item["status"] in ("Success", "Failed") for item in items):
                started.success = all(item["status"] == "Success" for item in items)
                return started
            time.sleep(interval)
        started.success = False
        return started

    def delete(self, sync_context=False):
        """Releases it and asks once a second whether it is gone."""
        if sync_context:
            self.sync()
        released = self.by_body("/mcp/releaseSessionAsync")
        if released.success:
            released.success = self.wait_until_gone()
        self.code.close()
        return released

    def wait_until_gone(self, tries=300):
        for _ in range(tries):
            status = self.get_status()
            said = f"{status.reply.get('code')} {status.error_message}".lower()
            if status.success and status.data == "FINISH":
                return True
            if not status.success and ("notfound" in said or "not found" in said):
                return True
            time.sleep(1)
        return False


def servers_in(tool_list):
    """The servers of tools by their names, out of an array or its JSON text."""
    try:
        tools = json.loads(tool_list) if isinstance(tool_list, str) else tool_list
    except ValueError:
        tools = None
    found = {}
    for tool in tools or []:
        name = tool.get("name") or tool.get("Name")
        if name:
            found[name] = tool.get("server") or tool.get("serverName") or tool.get("Server")
    return found


class Command:
    def __init__(self, session):
        self.session = session

    def execute(self, command, timeout_ms=1000, cwd=None, envs=None):
        args = {"command": command, "timeout_ms": timeout_ms}
        args.update({name: value for name, value in (("cwd", cwd), ("envs", envs)) if value})
        result = self.session.call_mcp_tool("shell", args)
        said = result.data if result.success else result.error_message
        try:
            parsed = json.loads(said)
            output = parsed["stdout"] + parsed["stderr"]
        except (ValueError, KeyError, TypeError):
            return Result(result.request_id, result.success, {"output": said, "exit_code": None}, result.error_message)
        code = parsed.get("exit_code", parsed.get("errorCode", 0))
        shown = {"output": output, "exit_code": code, "stdout": parsed["stdout"], "stderr": parsed["stderr"]}
        failure = "" if result.success else parsed["stderr"] or said
        return Result(result.request_id, result.success and code == 0, shown, failure)
