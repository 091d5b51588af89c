"""Shell commands."""
from report import Walk, holds, same, until

walk = Walk()


def out(session, command, **options):
    result = session.command.execute(command, timeout_ms=10000, **options)
    holds(result.success, result)
    return result.data["stdout"]


@walk.observes("Shell", "Working directory")
def fresh(_agb, session):
    out(session, "cd /tmp; kept=1")
    same(out(session, "echo [$kept]"), "[]\n")
    holds(out(session, "pwd").startswith("/"))
    same(out(session, "pwd", cwd="/tmp"), "/tmp\n")
    out(session, "mkdir -p '/tmp/with spaces'")
    same(out(session, "pwd", cwd="/tmp/with spaces"), "/tmp/with spaces\n")


@walk.observes("Environment")
def environment(_agb, session):
    value = "it's \"quoted\"; $HOME `id` !@#$%^&*()"
    same(out(session, "printf %s \"$GIVEN\"", envs={"GIVEN": value}), value)
    same(out(session, "printf %s \"$GIVEN\""), "")


@walk.observes("Failing commands")
def failing(_agb, session):
    unknown = session.command.execute("not_a_command_12345", timeout_ms=10000)
    same((unknown.success, unknown.data["exit_code"]), (False, 127))
    missing = session.command.execute("echo before; ls /nowhere_12345", timeout_ms=10000)
    holds(not missing.success and missing.data["exit_code"] != 0, missing)
    same(missing.data["stdout"], "before\n")
    holds("nowhere_12345" in missing.data["stderr"], missing)


@walk.observes("shell without timeout_ms")
def no_timeout(_agb, session):
    result = session.call_mcp_tool("shell", {"command": "echo a"})
    holds(result.success and '"stdout":"a\\n"' in result.data.replace(" ", ""), result)


@walk.observes("Background")
def background(_agb, session):
    out(session, "nohup sh -c 'sleep 0.5; echo over > /tmp/over.txt' > /dev/null 2>&1 &")
    until(lambda: session.file.read("/tmp/over.txt").success)


@walk.observes("a command that takes too long")
def late(_agb, session):
    result = session.command.execute("echo begun; sleep 30", timeout_ms=500)
    holds(not result.success and "timed out" in result.error_message, result)
    same(result.data["stdout"], "begun\n")
    holds(result.data["exit_code"] != 0, result)
