"""Files of others as events: orders from CSV and Excel by a mapping, wechaty's payloads, CloudEvents in lines."""
