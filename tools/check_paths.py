#!/usr/bin/env python3
"""docs/paths/*.md name files and functions of the two paths; each must exist.

In those pages `src/rtc/bridge.cpp` is a file, and `MediaBridge::onRtp` or `onRtp()` a function that must
occur in a file which the same paragraph or table row names.
"""
import pathlib
import re
import sys

top = pathlib.Path(__file__).resolve().parent.parent
bad = []
for page in sorted((top / "docs/paths").glob("*.md")):
    for number, block in enumerate(re.split(r"\n\s*\n|\n(?=\|)|\n(?=\d+\. )", page.read_text()), 1):
        names = re.findall(r"`([^`\n]+)`", block)
        files = [n for n in names if re.fullmatch(r"(src|web|tests)/[\w./-]+\.(cpp|h|ts)", n)]
        for name in files:
            if not (top / name).is_file():
                bad.append(f"{page.name}: no file {name}")
        texts = "".join((top / f).read_text() for f in files if (top / f).is_file())
        for name in names:
            match = re.fullmatch(r"(?:\w+::)*(~?\w+)\(\)", name) or re.fullmatch(r"(?:\w+::)+(\w+)", name)
            if match and files and not re.search(rf"\b{re.escape(match.group(1))}\b", texts):
                bad.append(f"{page.name}: {name} is in none of {', '.join(files)}")
print("\n".join(bad), end="")
sys.exit(1 if bad else 0)
