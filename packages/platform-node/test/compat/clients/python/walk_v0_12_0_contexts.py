"""Contexts, their files, and files that go into a session and come out of it."""
import os
import tempfile
import uuid

from report import Walk, holds, same
from v0_12_0_contexts import Extensions, fetch, put

walk = Walk()

POLICY = {
    "uploadPolicy": {"autoUpload": True, "uploadStrategy": "UploadBeforeResourceRelease", "uploadMode": "File"},
    "downloadPolicy": {"autoDownload": True, "downloadStrategy": "DownloadAsync"},
    "deletePolicy": {"syncLocalFile": True},
    "extractPolicy": {"extract": True, "deleteSrcFile": True, "extractToCurrentFolder": False},
    "recyclePolicy": {"lifecycle": "Lifecycle_Forever", "paths": [""]},
    "bwList": {"whiteLists": []},
}


def good(result):
    holds(result.success, result)
    return result.data


def fresh(agb):
    return good(agb.context.create(f"walk {uuid.uuid4().hex}"))


@walk.observes("Contexts")
def contexts(agb, _session):
    context = fresh(agb)
    same(good(agb.context.create(context["name"]))["id"], context["id"])
    same(good(agb.context.get(context["name"]))["id"], context["id"])
    holds(context["id"] in [item["id"] for item in good(agb.context.list(100))])
    good(agb.context.update(context["id"], context["name"] + " renamed"))
    same(good(agb.context.get(context_id=context["id"]))["name"], context["name"] + " renamed")
    good(agb.context.clear(context["id"], poll_interval=0.1))
    good(agb.context.clear(context["id"], poll_interval=0.1))
    good(agb.context.delete(context["id"]))
    for result in (agb.context.get(context_id=context["id"]), agb.context.clear_async("invalid-context-id-12345")):
        holds(not result.success and result.error_message, result)


@walk.observes("Presigned URLs")
def presigned(agb, _session):
    context = fresh(agb)
    content = os.urandom(100_000)
    address = good(agb.context.upload_url(context["id"], "/tmp/a.bin"))
    holds(isinstance(address["expireTime"], int), address)
    sent = put(address["url"], content)
    holds(sent.status_code in (200, 204) and sent.headers.get("ETag"), sent)
    received = fetch(good(agb.context.download_url(context["id"], "/tmp/a.bin"))["url"])
    same((received.status_code, received.content == content), (200, True))
    files = agb.context.list_files(context["id"], "/tmp")
    same([(file["fileName"], file["filePath"], file["size"]) for file in good(files)],
         [("a.bin", "/tmp/a.bin", 100_000)])
    same(files.reply["count"], 1)
    good(agb.context.delete_file(context["id"], "/tmp/a.bin"))
    same(good(agb.context.list_files(context["id"], "/tmp")), [])
    agb.context.delete(context["id"])


@walk.observes("upload", "download")
def transfer(_agb, session):
    content = os.urandom(300_000)
    with tempfile.TemporaryDirectory() as local:
        path = os.path.join(local, "up.bin")
        with open(path, "wb") as file:
            file.write(content)
        remote = f"{session.file.transfer_path()}/up.bin"
        sent = session.file.upload(path, remote)
        holds(sent.success and sent.data["etag"], sent)
        same(good(session.file.read(remote, format="bytes")) == content, True)
        good(session.command.execute(f"cp {remote} {remote}.copy", timeout_ms=10000))
        back = os.path.join(local, "down.bin")
        received = session.file.download(f"{remote}.copy", back)
        same(good(received)["bytes"], 300_000)
        with open(back, "rb") as file:
            holds(file.read() == content)
        holds(not session.file.download(f"{remote}.nowhere", back).success)


@walk.observes("contexts that sessions carry", "waiting for contexts after create")
def carried(agb, _session):
    """What the first session leaves, the second one finds."""
    context = fresh(agb)
    syncs = [(context["id"], "/tmp/project", POLICY)]
    first = good(agb.create("agb-code-space-1", context_syncs=syncs))
    good(first.file.mkdir("/tmp/project/src"))
    good(first.file.write("/tmp/project/src/a.txt", "kept"))
    good(first.sync())
    good(first.file.write("/tmp/project/src/b.txt", "left"))
    holds(agb.delete(first, sync_context=True).success)
    second = good(agb.create("agb-code-space-1", context_syncs=syncs))
    items = good(second.context_status())
    same({(item["contextId"], item["path"], item["taskType"], item["status"]) for item in items},
         {(context["id"], "/tmp/project", "download", "Success")})
    same(good(second.file.read("/tmp/project/src/a.txt")), "kept")
    same(good(second.file.read("/tmp/project/src/b.txt")), "left")
    agb.delete(second)
    agb.context.delete(context["id"])


@walk.observes("extensions")
def extensions(agb, _session):
    service = Extensions(agb, f"extensions {uuid.uuid4().hex}")
    with tempfile.TemporaryDirectory() as local:
        path = os.path.join(local, "ext.zip")
        with open(path, "wb") as file:
            file.write(b"PK")
        made = service.create(path)
        same([item["id"] for item in service.list()], [made["id"]])
        service.update(made["id"], path)
    holds(service.delete(made["id"]))
    same(service.list(), [])
    holds(service.cleanup())
