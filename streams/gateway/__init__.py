"""The HTTP gateway: events in, tasks out, what HQ watches, and the pages. `create_app` puts it together."""
