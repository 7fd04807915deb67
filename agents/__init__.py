"""Who decides what: placement, signals, the ladder, phases, the planner, honesty. Pure: values in, values out."""
