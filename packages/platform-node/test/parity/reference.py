"""Runs the cells of a notebook in ipykernel, and prints what each gave. Arguments: a file with a JSON array of cells, seconds for a cell."""
import json
import sys

from jupyter_client.manager import start_new_kernel


def run(client, code, seconds):
    seen = {"stdout": "", "stderr": "", "results": [], "error": None}

    def hear(message):
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            seen[content["name"]] += content["text"]
        elif kind == "error":
            seen["error"] = {"name": content["ename"], "value": content["evalue"]}
        elif kind in ("execute_result", "display_data", "update_display_data"):
            seen["results"].append({"data": content["data"], "isMainResult": kind == "execute_result"})

    reply = client.execute_interactive(code, allow_stdin=False, timeout=seconds, output_hook=hear)["content"]
    if reply["status"] == "error" and seen["error"] is None:
        # A UsageError is told on stderr instead of by a message.
        seen["error"] = {"name": reply["ename"], "value": reply["evalue"]}
        seen["stderr"] = seen["stderr"].replace("UsageError: %s\n" % reply["evalue"], "")
    pages = [each["data"] for each in reply.get("payload", ()) if each["source"] == "page"]
    seen["results"] += [{"data": page, "isMainResult": False} for page in pages]
    return seen


cells, seconds = json.load(open(sys.argv[1])), float(sys.argv[2])
manager, client = start_new_kernel(kernel_name="python3")
outputs = []
try:
    for cell in cells:
        outputs.append(run(client, cell, seconds))
except TimeoutError:
    pass
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
json.dump(outputs, open(sys.argv[1] + ".outputs", "w"))
