"""What a file may say: an indication (evidence and recipes) and a scenario (a trial to plan)."""
