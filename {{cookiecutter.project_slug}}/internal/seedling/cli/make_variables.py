"""Read the NAME=value variables of make's command line from MAKEFLAGS.

The standard library is enough: init.py uses it before anything is installed.
"""

import re

# make puts its own switches first, then ` -- `, then each variable; it marks blanks and backslashes
# of a value with a backslash, and doubles each $.
WORD = re.compile(r"(?:\\.|[^\\ \t])+", re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
VARIABLE = re.compile(r"\s*([^\s:+?!=]+)\s*[:+?!]*=\s*(.*)", re.DOTALL)


def given(makeflags: str) -> dict[str, str]:
    """Return the variables of make's command line, each value as the shell gave it to make.

    Neither make nor a shell evaluates these values: `$(...)`, quotes, blanks and semicolons are
    ordinary characters.

    Args:
        makeflags: the environment variable MAKEFLAGS, as make sets it for its recipes.
    """
    words = WORD.findall(makeflags)
    found = {}
    for word in words[words.index("--") + 1 :] if "--" in words else []:
        match = VARIABLE.fullmatch(ESCAPED.sub(r"\1", word).replace("$$", "$"))
        if match:
            found[match[1]] = match[2]
    return found
