"""Exact power, sample size and assurance for new anakinra trials, planned from published response rates."""

__version__ = "0.1.0"
