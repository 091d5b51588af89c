"""How the Python SDKs read the texts of file tools."""
import base64


def number_or_text(value):
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    return value


def file_info(text):
    """`key: value` lines, split at the first colon."""
    found = {}
    for line in text.split("\n"):
        key, colon, value = line.partition(":")
        if colon:
            value = value.strip()
            found[key.strip()] = value.lower() == "true" if value.lower() in ("true", "false") else number_or_text(value)
    return found


def entries(text):
    found = []
    for line in text.split("\n"):
        line = line.strip()
        if line.startswith("[DIR]") or line.startswith("[FILE]"):
            name = line.replace("[DIR]", "").replace("[FILE]", "").strip()
            found.append({"name": name, "isDirectory": line.startswith("[DIR]")})
    return found


def matches(text):
    text = text.strip()
    return [] if text in ("", "No matches found") else text.split("\n")


def blocks(text):
    """Files by path: a line with a colon opens one, a line of three dashes closes it."""
    files, path, lines = {}, None, []

    def close():
        if path is not None:
            files[path] = "\n".join(lines).strip()

    for line in text.split("\n"):
        if line.strip() == "---":
            close()
            path, lines = None, []
        elif path is None and ":" in line:
            path, _, first = line.partition(":")
            lines = [first.strip()] if first.strip() else []
        elif path is not None:
            lines.append(line)
    close()
    return files


def decoded(text):
    return base64.b64decode(text, validate=True)
