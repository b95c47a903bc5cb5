"""Every benchmark, one after the other."""

from benchmarks import generation, large, scoring
from benchmarks.tables.__main__ import main as tables

if __name__ == "__main__":
    generation.main()
    large.main()
    scoring.main([])
    tables([])
