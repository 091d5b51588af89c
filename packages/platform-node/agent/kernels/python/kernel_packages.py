"""
`%pip`, and the packages that the session installs for itself: below `~/.local`, where Python looks for the packages of a
user. A virtual environment without those, which the session cannot write to, gets one of the session's own over it.
"""
import os
import site
import subprocess
import sys

import kernel_magic

BASE = "import site; site.addsitedir(%r)\n"
PIP = '#!/bin/sh\nexec "%s" -m pip "$@"\n'


def pip(arguments, names):
    """Runs pip, which must succeed."""
    status = kernel_magic.shell("'%s' -m pip %s" % (interpreter(), arguments), names, False)
    if status != 0:
        raise subprocess.CalledProcessError(status, ("%pip " + arguments).strip())
    if os.path.isdir(site.USER_SITE):
        add(site.USER_SITE)


def interpreter():
    """The interpreter whose pip installs packages that this one can import."""
    import sysconfig
    if site.ENABLE_USER_SITE or os.access(sysconfig.get_path("purelib"), os.W_OK):
        return sys.executable
    python = site.USER_BASE + "/bin/python"
    if not os.path.exists(python):
        make_environment(python)
    return python


def make_environment(python):
    """Makes an environment that has all packages of this one. The programs in its `bin` are on PATH."""
    import venv
    from importlib.util import find_spec
    has_pip = find_spec("pip") is not None
    venv.EnvBuilder(symlinks=True, with_pip=not has_pip).create(site.USER_BASE)
    with open(site.USER_SITE + "/base.pth", "w") as file:
        file.writelines(BASE % folder for folder in site.getsitepackages())
    if has_pip:
        with open(os.open(site.USER_BASE + "/bin/pip", os.O_WRONLY | os.O_CREAT, 0o755), "w") as file:
            file.write(PIP % python)


def add(folder):
    """Puts a folder of packages, and what its .pth files name, before the packages of the interpreter."""
    from importlib import invalidate_caches
    invalidate_caches()
    if folder in sys.path:
        return
    before = sys.path[:]
    site.addsitedir(folder)
    added = [path for path in sys.path if path not in before]
    first = [at for at, path in enumerate(before) if path.endswith("-packages")] + [len(before)]
    sys.path[:] = before[:first[0]] + added + before[first[0]:]
