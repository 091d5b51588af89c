"""A program written for v0.2.2 of the Python SDK."""
import threading

from report import Walk, holds, same, until
from v0_2_2 import AGB, Session

walk = Walk()


def text_of(result):
    holds(result.success, result)
    return result.data


@walk.observes("v0.2.2: create, list, info, delete")
def life(agb, _session):
    holds(agb.create("agb-code-space-1").success)
    other = agb.list()[-1]
    holds(other in agb.list() and other.image_id == "agb-code-space-1", agb.list())
    holds("resourceId=" in other.resource_url, other.resource_url)
    info = text_of(other.info())
    same(info["session_id"], other.session_id)
    holds(info["resource_url"].startswith("http"), info)
    deleted = agb.delete(other)
    holds(deleted.success and deleted.request_id, deleted)
    holds(other not in agb.list(), agb.list())


@walk.observes("Second delete", "Deleted session")
def after_the_end(agb, _session):
    session = agb.create().data
    holds(agb.delete(session).success)
    holds(agb.delete(session).request_id)
    for result in (session.code.run_code("1", "python"), session.file_system.write_file("/tmp/x", "x")):
        holds(not result.success and result.error_message, result)


@walk.observes("v0.2.2: plain texts")
def plain_texts(_agb, session):
    same(text_of(session.code.run_code("print('hi')", "python")), "hi\n")
    same(text_of(session.code.run_code("print('a'); 6 * 7", "Python")), "a\n42")
    same(text_of(session.command.execute_command("echo hello", 10000)), "hello\n")
    failed = session.code.run_code("print('before'); 1 / 0", "python")
    holds(not failed.success and "division by zero" in failed.error_message, failed)
    holds("before" in failed.error_message and not failed.error_message.startswith("{"), failed)


@walk.observes("v0.2.2: get_link")
def links(_agb, session):
    page = session.get_link()
    holds(page.success and page.request_id and "resourceId=" in page.data, page)
    result = session.get_link("https", 8080)
    holds(not result.success and result.request_id and result.error_message, result)


@walk.observes("Kernel state", "Empty code", "Code timeout")
def code(_agb, session):
    holds(session.code.run_code("kept = 20", "python").success)
    same(text_of(session.code.run_code("kept + 1", "python")), "21")
    empty = session.code.run_code("", "python")
    holds(not empty.success and empty.error_message, empty)
    late = session.code.run_code("import time; time.sleep(20)", "python", 1)
    holds(not late.success and "timeout" in late.error_message, late)
    holds(not session.code.run_code("puts 1", "ruby").success)


@walk.observes("JavaScript")
def javascript(_agb, session):
    same(text_of(session.code.run_code("console.log('hi')", "javascript")), "hi\n")


@walk.observes("Shell", "Failing commands")
def shell(_agb, session):
    holds(session.command.execute_command("cd /tmp; x=1", 10000).success)
    same(text_of(session.command.execute_command("echo [$x]", 10000)), "[]\n")
    for command in ("not_a_command_12345", "ls /nowhere_12345"):
        failed = session.command.execute_command(command, 10000)
        holds(not failed.success and "not" in failed.error_message.lower(), failed)
        holds(not failed.error_message.startswith("{"), failed)


@walk.observes("Read missing file", "Edit without match", "Move", "Read batch", "Directory listing", "Search")
def files(_agb, session):
    file_system = session.file_system
    holds(file_system.create_directory("/tmp/old").success)
    same(text_of(file_system.list_directory("/tmp/old")), [])
    holds(file_system.write_file("/tmp/old/a.txt", "one\n").success)
    holds(file_system.write_file("/tmp/old/a.txt", "two\n", mode="append").success)
    same(text_of(file_system.read_file("/tmp/old/a.txt")), "one\ntwo\n")
    holds(not file_system.read_file("/tmp/old/nope").success)
    edit = file_system.edit_file("/tmp/old/a.txt", [{"oldText": "zzz", "newText": "x"}])
    holds(edit.request_id, edit)
    same(text_of(file_system.read_file("/tmp/old/a.txt")), "one\ntwo\n")
    holds(file_system.edit_file("/tmp/old/a.txt", [{"oldText": "one", "newText": "1"}]).success)
    holds(file_system.move_file("/tmp/old/a.txt", "/tmp/old/b.txt").success)
    holds(not file_system.get_file_info("/tmp/old/a.txt").success)
    info = text_of(file_system.get_file_info("/tmp/old/b.txt"))
    same((info["size"], info["isDirectory"], info["name"]), (6, False, "b.txt"))
    same(text_of(file_system.read_multiple_files(["/tmp/old/b.txt"])), {"/tmp/old/b.txt": "1\ntwo"})
    same(text_of(file_system.search_files("/tmp/old", "*.txt")), ["/tmp/old/b.txt"])
    same(text_of(file_system.list_directory("/tmp/old")), [{"name": "b.txt", "isDirectory": False}])


@walk.observes("Large files")
def large(_agb, session):
    content = "0123456789" * 10000
    holds(session.file_system.write_file("/tmp/large.txt", content).success)
    same(text_of(session.file_system.read_file("/tmp/large.txt")), content)


@walk.observes("Watching")
def watching(_agb, session):
    """Every poll is told, the empty ones and the first too."""
    polls, stop = [], threading.Event()
    holds(session.file_system.create_directory("/tmp/watched").success)
    thread = session.file_system.watch_directory("/tmp/watched", polls.append, 0.1, stop)
    thread.start()
    until(lambda: len(polls) >= 2)
    holds(session.file_system.write_file("/tmp/watched/w.txt", "1").success)
    until(lambda: any(event["path"] == "/tmp/watched/w.txt" for events in polls for event in events))
    stop.set()
    thread.join(10)
    holds([] in polls, polls)


@walk.observes("bad key")
def bad_key(_agb, session):
    stranger = AGB("akm-99999999-0000-0000-0000-000000000000")
    refused = stranger.create()
    holds(not refused.success and refused.error_message, refused)
    seen = Session(stranger, session.session_id, "", None).command.execute_command("true")
    holds(not seen.success and seen.error_message, seen)


if __name__ == "__main__":
    client = AGB()
    created = client.create()
    holds(created.success, created)
    walk.take(client, created.data)
    client.delete(created.data)
