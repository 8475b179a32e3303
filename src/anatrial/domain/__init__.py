"""The nouns of trial planning: evidence, priors, looks, regions, results."""
