"""Files."""
import threading

from report import Walk, holds, same, until

walk = Walk()


def good(result):
    holds(result.success, result)
    return result.data


@walk.observes("Directory listing", "Read missing file", "Delete missing file", "Removed file")
def missing(_agb, session):
    file = session.file
    good(file.mkdir("/tmp/d"))
    same(good(file.list("/tmp/d")), [])
    good(file.write("/tmp/d/a.txt", "a"))
    good(file.mkdir("/tmp/d/sub"))
    named = sorted((entry["name"], entry["isDirectory"]) for entry in good(file.list("/tmp/d")))
    same(named, [("a.txt", False), ("sub", True)])
    info = good(file.info("/tmp/d/a.txt"))
    same([info[key] for key in ("name", "path", "size", "isDirectory")], ["a.txt", "/tmp/d/a.txt", 1, False])
    holds(not file.read("/tmp/d").success)
    good(file.remove("/tmp/d/a.txt"))
    holds(not file.info("/tmp/d/a.txt").success)
    nothing = file.read("/tmp/d/a.txt")
    holds(not nothing.success and "a.txt" in nothing.error_message, nothing)
    holds(file.remove("/tmp/d/a.txt").request_id)


@walk.observes("Edit without match", "Move", "Read batch")
def changed(_agb, session):
    file = session.file
    good(file.write("/tmp/e.txt", "one\n"))
    good(file.write("/tmp/e.txt", "two\n", mode="append"))
    edit = file.edit("/tmp/e.txt", [{"oldText": "zzz", "newText": "x"}])
    holds(edit.request_id and not edit.success, edit)
    good(file.edit("/tmp/e.txt", [{"oldText": "one", "newText": "1"}], dry_run=True))
    same(good(file.read("/tmp/e.txt")), "one\ntwo\n")
    good(file.edit("/tmp/e.txt", [{"oldText": "one", "newText": "1"}]))
    good(file.move("/tmp/e.txt", "/tmp/moved.txt"))
    holds(not file.info("/tmp/e.txt").success)
    good(file.write("/tmp/f.txt", "line: with colon\n"))
    batch = good(file.read_batch(["/tmp/moved.txt", "/tmp/f.txt"]))
    same({path: text.rstrip() for path, text in batch.items()},
         {"/tmp/moved.txt": "1\ntwo", "/tmp/f.txt": "line: with colon"})


@walk.observes("Large files", "files are read and written in pieces")
def large(_agb, session):
    for content in ("0123456789" * 10000, "é" * 51200 + "end", ""):
        good(session.file.write("/tmp/large.txt", content))
        if content.isascii():
            same(good(session.file.read("/tmp/large.txt")), content)
        same(good(session.file.read("/tmp/large.txt", format="bytes")) or b"", content.encode())
    holds(not session.file.write("/tmp/x", "x", mode="create_new").success)


@walk.observes("Binary")
def binary(_agb, session):
    code = "data = bytes(range(256)) * 500\nopen('/tmp/b.bin', 'wb').write(data)"
    holds(session.code.run(code, "python").success)
    same(good(session.file.read("/tmp/b.bin", format="bytes")), bytes(range(256)) * 500)


@walk.observes("Search")
def search(_agb, session):
    file = session.file
    good(file.mkdir("/tmp/s/inner"))
    for path in ("/tmp/s/a.txt", "/tmp/s/inner/test.txt", "/tmp/s/b.md"):
        good(file.write(path, ""))
    same(sorted(good(file.search("/tmp/s", "*.txt"))), ["/tmp/s/a.txt", "/tmp/s/inner/test.txt"])
    same(good(file.search("/tmp/s", "test.txt")), ["/tmp/s/inner/test.txt"])
    same(good(file.search("/tmp/s", "*.txt", ["test*"])), ["/tmp/s/a.txt"])
    same(good(file.search("/tmp/s", "*.zzz")), [])


@walk.observes("File changes")
def changes(_agb, session):
    good(session.file.mkdir("/tmp/changing"))
    good(session.file.changes("/tmp/changing"))
    good(session.file.write("/tmp/changing/a.txt", "a"))
    told = good(session.file.changes("/tmp/changing"))
    holds("/tmp/changing/a.txt" in [event["path"] for event in told], told)
    same(good(session.file.changes("/tmp/changing")), [])


@walk.observes("Watching")
def watching(_agb, session):
    """The baseline and the empty polls are not told."""
    told, stop = [], threading.Event()
    good(session.file.mkdir("/tmp/seen"))
    good(session.file.write("/tmp/seen/old.txt", "old"))
    thread = session.file.watch_dir("/tmp/seen", told.append, 0.1, stop)
    thread.start()
    thread.ready_event.wait(10)
    good(session.file.write("/tmp/seen/new.txt", "new"))
    until(lambda: any(event["path"] == "/tmp/seen/new.txt" for events in told for event in events))
    good(session.file.write("/tmp/seen/old.txt", "older"))
    until(lambda: ("modify", "/tmp/seen/old.txt") in [(e["eventType"], e["path"]) for events in told for e in events])
    stop.set()
    thread.join(10)
    holds([] not in told, told)
