"""Contexts, their files, and extensions, which live in one."""
import os
import time
import uuid

import httpx


def put(url, content):
    """Without a key, and without a Content-Type: either would break the signature."""
    with httpx.Client(timeout=60) as client:
        return client.put(url, content=content)


def fetch(url):
    with httpx.Client(timeout=60) as client:
        return client.get(url)


class Contexts:
    def __init__(self, api):
        self.api = api

    def list(self, max_results=10, next_token=None):
        return self.api.get("/sdk/ListContexts", {"maxResults": max_results, "nextToken": next_token})

    def get(self, name=None, create=False, context_id=None):
        asked = {"id": context_id, "name": name, "allowCreate": "true" if create else "false"}
        return self.api.get("/sdk/GetContext", asked)

    def create(self, name):
        return self.get(name, create=True)

    def update(self, context_id, name):
        return self.api.post("/sdk/ModifyContext", {"id": context_id, "name": name})

    def delete(self, context_id):
        return self.api.post("/sdk/DeleteContext", {"id": context_id})

    def clear_async(self, context_id):
        return self.api.post("/sdk/ClearContext", {"id": context_id})

    def clear(self, context_id, timeout=60, poll_interval=2.0):
        started = self.clear_async(context_id)
        if not started.success:
            return started
        for _ in range(int(timeout / poll_interval)):
            time.sleep(poll_interval)
            if self.get(context_id=context_id).data["state"] == "available":
                return started
        raise TimeoutError("the context was not cleared")

    def upload_url(self, context_id, path):
        return self.api.post("/sdk/GetContextFileUploadUrl", {"contextId": context_id, "filePath": path})

    def download_url(self, context_id, path):
        return self.api.post("/sdk/GetContextFileDownloadUrl", {"contextId": context_id, "filePath": path})

    def list_files(self, context_id, folder=None, page_number=1, page_size=50):
        page = {"pageNumber": page_number, "pageSize": page_size}
        asked = {"contextId": context_id, "parentFolderPath": folder, **page}
        return self.api.post("/sdk/DescribeContextFiles", asked)

    def delete_file(self, context_id, path):
        return self.api.post("/sdk/DeleteContextFile", {"contextId": context_id, "filePath": path})


class Extensions:
    """The id of an extension is the name of its file in the context."""

    folder = "/tmp/extensions"

    def __init__(self, agb, name):
        self.contexts = agb.context
        self.context_id = self.contexts.get(name, create=True).data["id"]

    def create(self, local_path):
        assert local_path.endswith(".zip"), "only .zip files are extensions"
        return self.update(f"ext_{uuid.uuid4().hex}.zip", local_path)

    def update(self, extension_id, local_path):
        address = self.contexts.upload_url(self.context_id, f"{self.folder}/{extension_id}").data["url"]
        with open(local_path, "rb") as file:
            sent = put(address, file.read())
        assert sent.status_code in (200, 201, 204), sent.status_code
        return {"id": extension_id, "name": os.path.basename(local_path)}

    def list(self):
        files = self.contexts.list_files(self.context_id, self.folder, 1, 100).data
        return [{"id": file["fileName"], "created_at": file["gmtCreate"]} for file in files]

    def delete(self, extension_id):
        return self.contexts.delete_file(self.context_id, f"{self.folder}/{extension_id}").success

    def cleanup(self):
        return self.contexts.delete(self.context_id).success
