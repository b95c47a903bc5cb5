"""Every benchmark, one after the other."""

from benchmarks import generation, scoring

if __name__ == "__main__":
    generation.main()
    scoring.main([])
