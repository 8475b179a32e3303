"""How operating characteristics are computed: every number a sum over tables."""
