"""Magics that list and remove variables and list inputs, where IPython is not installed."""
import re


class Names:
    def listed(self, types):
        names, hidden = self.shell.user_ns, self.shell.program.hidden
        shown = sorted(name for name in names if not name.startswith("_") and name not in hidden)
        return [name for name in shown if not types or type(names[name]).__name__ in types.split()]

    def line_who(self, text):
        names = self.listed(text)
        if not names:
            return print("No variables match your requested type." if text else "Interactive namespace is empty.")
        for at in range(0, len(names), 9):
            print("".join(name + "\t " for name in names[at:at + 9]) + "\n" * (at + 9 <= len(names) - 1), end="")
        print()

    def line_who_ls(self, text):
        return self.listed(text)

    def line_whos(self, text):
        names = self.listed(text)
        if not names:
            return self.line_who(text)
        values = [self.shell.user_ns[name] for name in names]
        kinds = [type(value).__name__ for value in values]
        widths = max(map(len, [*names, "Variable"])) + 3, max(map(len, [*kinds, "Type"])) + 3
        print("%-*s%-*s Data/Info" % (widths[0], "Variable", widths[1], "Type"))
        print("-" * (sum(widths) + len("Data/Info") + 1))
        for name, kind, value in zip(names, kinds, values):
            print("%-*s%-*s %s" % (widths[0], name, widths[1], kind, summary(value, kind)))

    def line_reset(self, _text):
        for name in self.listed(""):
            del self.shell.user_ns[name]

    def line_reset_selective(self, text):
        pattern = re.compile(text.replace("-f", "", 1).strip())
        for name in self.listed(""):
            if pattern.search(name):
                del self.shell.user_ns[name]

    def line_xdel(self, text):
        del self.shell.user_ns[text.replace("-n", "", 1).strip()]

    def line_history(self, text):
        inputs = self.shell.program.inputs
        chosen = set()
        for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
            chosen.update(range(int(first), int(last or first) + 1))
        for number, code in enumerate(inputs):
            if number and (number in chosen or not chosen):
                end = "\n" if "\n" in code else " "
                print("%4d:%s%s" % (number, end, code) if "-n" in text.split() else code)

    line_hist = line_history


def summary(value, kind):
    if kind in ("dict", "list", "tuple"):
        return "n=%d" % len(value)
    if kind == "ndarray":
        size = value.size * value.itemsize
        shape = "x".join(map(str, value.shape))
        text = "%s: %d elems, type `%s`, %d bytes" % (shape, value.size, value.dtype, size)
        return text if size < 100000 else text + (" (%s kb)" % (size / 1024) if size < 1 << 20 else " (%s Mb)" % (size / (1 << 20)))
    try:
        text = str(value).replace("\n", "\\n")
    except Exception:
        text = "<object with id %d (str() failed)>" % id(value)
    return text if len(text) < 50 else text[:25] + "<...>" + text[-25:]
