import collections, glob, re, tempfile

words = collections.Counter()
for path in glob.glob(tempfile.gettempdir() + "/demo/*.ts"):
    words.update(re.findall(r"Effect\.[a-z]\w+", open(path).read()))
", ".join(f"{word} {count}" for word, count in words.most_common(5))
