"""The use cases: derive a prior, evaluate a scenario, search a size, check the evidence."""
