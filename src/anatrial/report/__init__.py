"""Words, tables and pictures from results alone: nothing is computed here, and numbers are rounded only here."""
