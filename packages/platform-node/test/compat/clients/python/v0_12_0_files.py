"""Files: the tools, read and written in pieces, and transfer through presigned addresses."""
import json
import os
import threading
import time

import texts
from v0_12_0_api import Result
from v0_12_0_contexts import fetch, put

CHUNK = 51200
DONE = ("success", "successful", "ok", "finished", "done", "completed", "complete")


class FileSystem:
    def __init__(self, session):
        self.session, self.transfer = session, None

    def call(self, name, parse=lambda text: text, **args):
        result = self.session.call_mcp_tool(name, args)
        if result.success:
            result.data = parse(result.data or "")
        return result

    def mkdir(self, path):
        return self.call("create_directory", path=path)

    def remove(self, path):
        return self.call("delete_file", path=path)

    def edit(self, path, edits, dry_run=False):
        return self.call("edit_file", path=path, edits=edits, dryRun=dry_run)

    def info(self, path):
        return self.call("get_file_info", texts.file_info, path=path)

    def list(self, path):
        return self.call("list_directory", texts.entries, path=path)

    def move(self, source, destination):
        return self.call("move_file", source=source, destination=destination)

    def read_batch(self, paths):
        return self.call("read_multiple_files", texts.blocks, paths=paths)

    def search(self, path, pattern, exclude_patterns=None):
        excluded = {"excludePatterns": exclude_patterns} if exclude_patterns else {}
        return self.call("search_files", texts.matches, path=path, pattern=pattern, **excluded)

    def changes(self, path):
        return self.call("get_file_change", json.loads, path=path)

    def read(self, path, format="text"):
        info = self.info(path)
        if not info.success:
            return info
        if info.data["isDirectory"]:
            return Result(error_message=f"Path does not exist or is a directory: {path}")
        binary = {"format": "binary"} if format == "bytes" else {}
        pieces, size = [], info.data["size"]
        for offset in range(0, size, CHUNK):
            piece = self.call("read_file", path=path, offset=offset, length=min(CHUNK, size - offset), **binary)
            if not piece.success:
                return piece
            pieces.append(texts.decoded(piece.data) if binary else piece.data)
        return Result(info.request_id, True, (b"" if binary else "").join(pieces))

    def write(self, path, content, mode="overwrite"):
        if mode not in ("overwrite", "append"):
            return Result(error_message=f"Invalid write mode: {mode}")
        for start in range(0, max(len(content), 1), CHUNK):
            piece = content[start : start + CHUNK]
            result = self.call("write_file", path=path, content=piece, mode=mode if start == 0 else "append")
            if not result.success:
                break
        return result

    def watch_dir(self, path, callback, interval=1.0, stop_event=None):
        """The first answer is the baseline; only what is not empty is told."""
        stop = stop_event or threading.Event()

        def watch():
            self.changes(path)
            thread.ready_event.set()
            while not stop.wait(interval):
                result = self.changes(path)
                said = result.error_message.lower()
                if not result.success and "session" in said and ("expired" in said or "invalid" in said):
                    return
                if result.success and result.data:
                    callback(result.data)

        thread = threading.Thread(target=watch, daemon=True)
        thread.ready_event = threading.Event()
        return thread

    def transfer_context(self):
        """The internal context through which files come and go; asked for once."""
        if self.transfer is None:
            query = {"contextTypes": json.dumps(["file_transfer"])}
            items = self.session.by_query("/sdk/GetAndLoadInternalContext", **query).data
            self.transfer = next(item for item in items if item.get("contextId") and item.get("contextPath"))
        return self.transfer

    def transfer_path(self):
        return self.transfer_context()["contextPath"]

    def upload(self, local_path, remote_path):
        """Into the context, and from there into the session."""
        context_id, contexts = self.transfer_context()["contextId"], self.session.agb.context
        address = contexts.upload_url(context_id, remote_path)
        if not address.success:
            return address
        with open(local_path, "rb") as file:
            sent = put(address.data["url"], file)
        if sent.status_code not in (200, 201, 204):
            return Result(address.request_id, error_message=f"upload failed with {sent.status_code}")
        synced = self.synchronise(context_id, remote_path, "download")
        return Result(address.request_id, synced, {"etag": sent.headers.get("ETag"), "status": sent.status_code})

    def download(self, remote_path, local_path):
        """Out of the session into the context, and from there."""
        context_id, contexts = self.transfer_context()["contextId"], self.session.agb.context
        if not self.synchronise(context_id, remote_path, "upload"):
            return Result(error_message="sync failed")
        address = contexts.download_url(context_id, remote_path)
        if not address.success:
            return address
        received = fetch(address.data["url"])
        if received.status_code != 200:
            return Result(address.request_id, error_message=f"download failed with {received.status_code}")
        with open(local_path, "wb") as file:
            file.write(received.content)
        return Result(address.request_id, True, {"bytes": len(received.content)})

    def synchronise(self, context_id, remote_path, mode, interval=1.5, patience=30):
        directory = remote_path.rstrip("/") if remote_path.endswith("/") else os.path.dirname(remote_path)
        if not self.session.sync(context_id, directory, mode).success:
            return False
        end = time.monotonic() + patience
        while time.monotonic() < end:
            status = self.session.context_status(contextId=context_id, path=directory, taskType=mode)
            for item in status.data or []:
                named = (item["contextId"], item["path"], item["taskType"]) == (context_id, directory, mode)
                if named and item["status"].lower() in DONE:
                    return True
                if named and item["errorMessage"]:
                    return False
            time.sleep(interval)
        return False
