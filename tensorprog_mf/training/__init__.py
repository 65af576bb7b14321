"""How it is learned: steps or gradient flow, batches, schedules, learning rules."""
