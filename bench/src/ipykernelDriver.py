"""Drives ipykernel as Jupyter does. Reads a line: `cold` starts a kernel and runs 1 + 1, `warm` runs it again in the
same kernel, `end` ends that kernel. Answers each with a line."""
import sys

try:
    import ipykernel
    from jupyter_client.manager import start_new_kernel
except ImportError:
    print("missing", flush=True)
    sys.exit(0)


def run(client):
    seen = []
    client.execute_interactive("1 + 1", output_hook=lambda message: seen.append(message["msg_type"]))
    return "execute_result" in seen


print("ready", ipykernel.__version__, flush=True)
manager = client = None
for line in sys.stdin:
    done = True
    if line == "cold\n":
        manager, client = start_new_kernel(kernel_name="python3")
    if line == "end\n":
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    else:
        done = run(client)
    print("done" if done else "failed", flush=True)
if manager is not None and manager.is_alive():
    manager.shutdown_kernel(now=True)
