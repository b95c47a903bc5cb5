"""Every benchmark, one after the other."""

from benchmarks import generation, large, scoring

if __name__ == "__main__":
    generation.main()
    large.main()
    scoring.main([])
