"""What crosses a boundary: ids, events, tasks, topics, reference data, the playbook format, errors."""
