"""How events move: topology, step, stores, drivers, doors, pages and commands. The only package that does I/O."""
