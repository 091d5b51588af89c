import collections, glob, re

words = collections.Counter()
for path in glob.glob("/tmp/demo/*.ts"):
    words.update(re.findall(r"Effect\.[a-z]\w+", open(path).read()))
", ".join(f"{word} {count}" for word, count in words.most_common(5))
