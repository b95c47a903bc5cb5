"""Have the allocator give large blocks back to the system as soon as they are freed."""

import ctypes
import sys

LARGE_BYTES = 128 * 1024  # a block from this size on is mapped by itself, and unmapped once freed
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # the names of glibc's malloc.h


def return_large_blocks() -> bool:
    """Fix glibc's thresholds; return whether there was a glibc to ask.

    Left alone, glibc raises them to the size of the largest block that it has seen freed. One body
    of 16 MB, and blocks of that size come from the heaps of the threads, where small ones that are
    still in use keep them from being given back: a worker grows by half under strange requests.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and no such thresholds
    if mallopt is None:
        return False
    wanted = ((M_MMAP_THRESHOLD, LARGE_BYTES), (M_TRIM_THRESHOLD, LARGE_BYTES))
    return all(mallopt(name, value) == 1 for name, value in wanted)
