"""A program written for v0.12.0 of the Python SDK."""
import importlib
import os

from report import Walk, holds
from v0_12_0 import AGB

PARTS = ("sessions", "code", "shell", "files", "routes", "contexts")

if __name__ == "__main__":
    client = AGB()
    created = client.create("agb-code-space-1", labels={"walk": f"python {os.getpid()}"})
    holds(created.success, created)
    for part in PARTS:
        walk = importlib.import_module(f"walk_v0_12_0_{part}").walk
        assert isinstance(walk, Walk)
        walk.take(client, created.data)
    client.delete(created.data)
