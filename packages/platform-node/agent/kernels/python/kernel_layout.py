"""
Where the lines of a printed value end, as in `IPython.lib.pretty`: texts wait until it is known whether their line is too long. Then
the outermost group that waits breaks at all its places so far and from then on. An end of line in a value breaks one group too.
"""
from collections import deque

WIDTH = 79


class Group:
    def __init__(self, depth):
        self.depth = depth
        self.waiting = 0  # places in it where a line may still end
        self.breaks = False


class Layout:
    def __init__(self):
        self.written = []
        self.column = 0
        self.buffer = deque()  # texts and places, each with its group and indentation if it is a place
        self.buffered = 0
        self.groups = [Group(0)]
        self.queue = [[self.groups[0]]]  # groups that may break, by depth

    def begin(self):
        group = Group(len(self.groups))
        self.groups.append(group)
        while len(self.queue) <= group.depth:
            self.queue.append([])
        self.queue[group.depth].append(group)

    def end(self):
        group = self.groups.pop()
        if not group.waiting:
            self.forget(group)

    def text(self, text):
        if not self.buffer:
            self.written.append(text)
            self.column += len(text)
            return
        self.wait(text, None, 0)

    def place(self, separator, indentation):
        group = self.groups[-1]
        if group.breaks:
            self.flush()
            return self.new_line(indentation)
        group.waiting += 1
        self.wait(separator, group, indentation)

    def line(self, indentation):
        self.next_group()
        self.flush()
        self.new_line(indentation)

    def wait(self, text, group, indentation):
        self.buffer.append((text, group, indentation))
        self.buffered += len(text)
        while self.column + self.buffered > WIDTH:
            outer = self.next_group()
            if outer is None:
                return
            self.break_group(outer)

    def next_group(self):
        """The outermost group that has places, of those at one depth the last."""
        for groups in self.queue:
            for at, group in enumerate(reversed(groups)):
                if group.waiting:
                    del groups[at]  # counted from the other end, as IPython does
                    group.breaks = True
                    return group
            for group in groups:
                group.breaks = True
            groups.clear()
        return None

    def break_group(self, group):
        while group.waiting:
            self.write()
        while self.buffer and self.buffer[0][1] is None:
            self.write()

    def write(self):
        text, group, indentation = self.buffer.popleft()
        self.buffered -= len(text)
        if group is not None:
            group.waiting -= 1
            if group.breaks:
                return self.new_line(indentation)
            if not group.waiting:
                self.forget(group)
        self.written.append(text)
        self.column += len(text)

    def new_line(self, indentation):
        self.written.append("\n" + " " * indentation)
        self.column = indentation

    def flush(self):
        while self.buffer:
            self.write()

    def forget(self, group):
        if group in self.queue[group.depth]:
            self.queue[group.depth].remove(group)


def laid_out(items):
    layout = Layout()
    for kind, *details in items:
        getattr(layout, kind)(*details)
    layout.flush()
    return "".join(layout.written)
