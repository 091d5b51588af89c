"""The Python client of the first generation, v0.2.2, as far as it can be told from what it sends and how it answers."""
import json
import os
import threading
from dataclasses import dataclass
from typing import Any

import requests
import texts

CHUNK = 51200


@dataclass
class Result:
    request_id: str = ""
    success: bool = False
    data: Any = None
    error_message: str = ""


class AGB:
    def __init__(self, api_key=""):
        self.api_key = api_key or os.environ["AGB_API_KEY"]
        endpoint = os.environ.get("AGB_ENDPOINT", "sdk-api.agb.cloud")
        self.endpoint = endpoint if endpoint.startswith("http") else f"http://{endpoint}"
        self.timeout_ms = 60000
        self.sessions = {}

    def send(self, method, path, query=None, body=None):
        headers = {"authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        url = self.endpoint + path
        response = requests.request(
            method, url, headers=headers, params=query, json=body, timeout=self.timeout_ms // 1000
        )
        try:
            reply = response.json()
        except ValueError:
            reply = {}
        return response.status_code, reply, reply.get("requestId", "")

    def create(self, image_id=None):
        query = {"imageId": image_id} if image_id else None
        _, reply, request_id = self.send("POST", "/mcp/createSession", query, {})
        data = reply.get("data") or {}
        if data.get("success") is False or not data.get("sessionId"):
            said = data.get("errMsg") or reply.get("message") or "Failed to create session"
            return Result(request_id, error_message=said)
        session = Session(self, data["sessionId"], data.get("resourceUrl", ""), image_id)
        self.sessions[session.session_id] = session
        return Result(request_id, True, session)

    def list(self):
        """No request: what this client has made and not deleted."""
        return list(self.sessions.values())

    def delete(self, session):
        status, reply, request_id = self.send("POST", "/mcp/releaseSession", None, {"sessionId": session.session_id})
        if status != 200 or reply.get("success") is not True:
            return Result(request_id, error_message=reply.get("message") or "Failed to delete session")
        self.sessions.pop(session.session_id, None)
        return Result(request_id, True)


class Session:
    def __init__(self, agb, session_id, resource_url, image_id):
        self.agb, self.session_id, self.resource_url, self.image_id = agb, session_id, resource_url, image_id
        self.code, self.command, self.file_system = Code(self), Command(self), FileSystem(self)

    def call_tool(self, name, args):
        body = {"args": json.dumps(args, ensure_ascii=False), "sessionId": self.session_id, "name": name}
        status, reply, request_id = self.agb.send("POST", "/mcp", None, body)
        if not reply:
            return Result(request_id, error_message="Tool execution failed")
        data = reply.get("data") or {}
        said = [item["text"] for item in data.get("content") or [] if item.get("type") == "text"]
        text = "\n".join(said) if said else None
        if data.get("isError"):
            return Result(request_id, error_message=reply.get("message") or text or "Tool execution failed")
        return Result(request_id, True, text)

    def info(self):
        status, reply, request_id = self.agb.send("POST", "/mcp/getMcpResource", None, {"sessionId": self.session_id})
        data = reply.get("data")
        if status >= 400 or reply.get("success") is not True or not data:
            return Result(request_id, error_message=reply.get("message") or "No resource data found in response")
        shown = {"session_id": data.get("sessionId"), "resource_url": data.get("resourceUrl")}
        desktop = data.get("desktopInfo") or {}
        return Result(request_id, True, {**shown, "app_id": desktop.get("appId"), "ticket": desktop.get("ticket")})

    def get_link(self, protocol_type=None, port=None):
        asked = {"sessionId": self.session_id, "protocolType": protocol_type, "port": port}
        query = {name: value for name, value in asked.items() if value is not None}
        status, reply, request_id = self.agb.send("GET", "/internet/getLink", query)
        if status != 200 or reply.get("success") is not True:
            return Result(request_id, error_message=reply.get("message") or "")
        return Result(request_id, True, reply["data"]["url"])


class Code:
    languages = ("python", "javascript", "java", "r")

    def __init__(self, session):
        self.session = session

    def run_code(self, code, language, timeout_s=300):
        """`data` is the text of the tool, as it is."""
        language = language.lower()
        if language not in self.languages:
            supported = ", ".join(self.languages)
            return Result(error_message=f"Unsupported language: {language}. Supported languages are: {supported}")
        return self.session.call_tool("run_code", {"code": code, "language": language, "timeout_s": timeout_s})


class Command:
    def __init__(self, session):
        self.session = session

    def execute_command(self, command, timeout_ms=1000):
        return self.session.call_tool("shell", {"command": command, "timeout_ms": timeout_ms})


class FileSystem:
    def __init__(self, session):
        self.call = session.call_tool

    def read(self, name, args, parse):
        result = self.call(name, args)
        if result.success:
            result.data = parse(result.data or "")
        return result

    def create_directory(self, path):
        return self.call("create_directory", {"path": path})

    def edit_file(self, path, edits, dry_run=False):
        return self.call("edit_file", {"path": path, "edits": edits, "dryRun": dry_run})

    def get_file_info(self, path):
        return self.read("get_file_info", {"path": path}, texts.file_info)

    def list_directory(self, path):
        return self.read("list_directory", {"path": path}, texts.entries)

    def move_file(self, source, destination):
        return self.call("move_file", {"source": source, "destination": destination})

    def read_multiple_files(self, paths):
        return self.read("read_multiple_files", {"paths": paths}, texts.blocks)

    def search_files(self, path, pattern, exclude_patterns=None):
        excluded = {"excludePatterns": exclude_patterns} if exclude_patterns else {}
        return self.read("search_files", {"path": path, "pattern": pattern, **excluded}, texts.matches)

    def read_file(self, path):
        """In pieces; an offset of 0 is left out."""
        info = self.get_file_info(path)
        if not info.success:
            return info
        if info.data.get("isDirectory", True):
            return Result(error_message=f"Path does not exist or is a directory: {path}")
        pieces, offset, size = [], 0, info.data["size"]
        while offset < size:
            start = {"offset": offset} if offset else {}
            piece = self.call("read_file", {"path": path, **start, "length": min(CHUNK, size - offset)})
            if not piece.success:
                return piece
            pieces.append(piece.data)
            offset += CHUNK
        return Result(info.request_id, True, "".join(pieces))

    def write_file(self, path, content, mode="overwrite"):
        result = Result()
        for start in range(0, max(len(content), 1), CHUNK):
            piece = {"path": path, "content": content[start : start + CHUNK], "mode": mode if start == 0 else "append"}
            result = self.call("write_file", piece)
            if not result.success:
                return result
        return result

    def watch_directory(self, path, callback, interval=1.0, stop_event=None):
        """A thread; the callback is called after every poll, with nothing too, and after the first."""
        stop = stop_event or threading.Event()

        def watch():
            while not stop.is_set():
                result = self.read("get_file_change", {"path": path}, json.loads)
                if result.success:
                    callback(result.data)
                stop.wait(interval)

        return threading.Thread(target=watch, daemon=True)
