"""Every benchmark, one after the other."""

from benchmarks import compare, false_alarms, generation, large, performance, scoring
from benchmarks.drift.__main__ import main as drift
from benchmarks.forms.__main__ import main as forms
from benchmarks.grouped_training.__main__ import main as grouped_training
from benchmarks.tables.__main__ import main as tables

if __name__ == "__main__":
    compare.main([])
    generation.main()
    drift([])
    false_alarms.main([])
    forms([])
    grouped_training([])
    large.main()
    performance.main([])
    scoring.main([])
    tables([])
