"""How well messages are understood: the model's fit, and its measure on messages that it has not seen."""
