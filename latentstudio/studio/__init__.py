"""Everything Qt: the window with its panels and presenters, the bridge to the worker thread, stories and benchmarks."""
