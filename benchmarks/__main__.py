"""Every benchmark, one after the other."""

from benchmarks import generation

if __name__ == "__main__":
    generation.main()
