"""The tables, on SQLite and PostgreSQL alike. Alembic's migrations build them; a test holds the two together.

Logs grow at the end only (`inbox`, `estate_events`, `outbox`); `state` is clustered by the key of the step
that owns it, so that a group's or an estate's rows lie together; `tasks` and `flow` are read models.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

#: SQLite gives out ascending row ids only for INTEGER; PostgreSQL wants 64 bits.
Offset = BigInteger().with_variant(Integer(), "sqlite")

#: The next offset that each consumer wants. Advanced by compare-and-set, in the step's transaction.
positions = Table(
    "positions", metadata,
    Column("consumer", String(64), primary_key=True),
    Column("next", BigInteger, nullable=False),
)

#: What came through a door, whole, in order of arrival; `source` + `id` name an event once.
inbox = Table(
    "inbox", metadata,
    Column("offset", Offset, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    UniqueConstraint("source", "id", name="inbox_once"),
)

#: The truth: what concerned which estate, in the order that was settled. A row points to the inbox, or holds
#: the event itself where it came from no door (`raw`: a wake-up). `place` is what placement found.
estate_events = Table(
    "estate_events", metadata,
    Column("offset", Offset, primary_key=True, autoincrement=True),
    Column("estate_id", Text, nullable=False),
    Column("inbox_offset", BigInteger),
    Column("raw", LargeBinary),
    Column("place", LargeBinary),
)

#: The state of the steps: one row per thing that changes on its own (a member, a campaign, a task). What waits for an
#: order's placement and an estate's sums are looked for without knowing whose.
state = Table(
    "state", metadata,
    Column("step", SmallInteger, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("kind", SmallInteger, primary_key=True),
    Column("sub", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Index("state_waiting", "key", sqlite_where=text("kind = 21"), postgresql_where=text("kind = 21")),
    Index("state_sums", "key", sqlite_where=text("kind = 24"), postgresql_where=text("kind = 24")),
    sqlite_with_rowid=False,
)

#: When each estate's campaign wants to be woken, in Unix milliseconds.
wakes = Table(
    "wakes", metadata,
    Column("estate_id", Text, primary_key=True),
    Column("due", BigInteger, nullable=False),
    Index("wakes_due", "due"),
)

#: What went out, in order: CloudEvents for `tasks` and `campaign-events`. SSE and relays read it by offset. `at` is
#: when it was written, in Unix milliseconds.
outbox = Table(
    "outbox", metadata,
    Column("offset", Offset, primary_key=True, autoincrement=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False, server_default="0"),
    Index("outbox_topic_key", "topic", "key", "offset"),
)

#: What placement hands over to the partitions of `estate-events`, until Kafka has it: packed records, in the order of
#: their lane (an input partition, or the clock of an estate-events partition).
handover = Table(
    "handover", metadata,
    Column("lane", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

#: Read model: every task in its last state. `changed` is the outbox offset of its last change.
tasks = Table(
    "tasks", metadata,
    Column("task_id", String(36), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("dealer_id", Text, nullable=False),
    Column("estate_id", Text, nullable=False),
    Column("group_id", Text, nullable=False),
    Column("persona_id", Text),
    Column("status", Text, nullable=False),
    Column("window_start", BigInteger, nullable=False),
    Column("window_end", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("store_id", Text),
    Index("tasks_dealer", "dealer_id", "window_start"),
    Index("tasks_store", "store_id", "window_start"),
    Index("tasks_estate", "estate_id", "window_start"),
    Index("tasks_window", "window_start"),
    Index("tasks_changed", "changed"),
)

#: Read model: an estate's point on the flow map, as the properties of its GeoJSON feature.
flow = Table(
    "flow", metadata,
    Column("estate_id", Text, primary_key=True),
    Column("changed", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("flow_changed", "changed"),
)

#: Read model: a campaign at the end of each day (YYYY-MM-DD) on which something changed; see streams/chronicle.py.
history = Table(
    "history", metadata,
    Column("estate_id", Text, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Index("history_day", "day"),
)

#: What could not be read or applied: whole, with the reason. `status` is dead or retried.
dead_letters = Table(
    "dead_letters", metadata,
    Column("offset", Offset, primary_key=True, autoincrement=True),
    Column("origin", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
)

#: Who asked to be erased, and how far the logs have been looked through for them (see streams/erasure.py); `names`
#: only until that is done.
erasures = Table(
    "erasures", metadata,
    Column("member_id", Text, primary_key=True),
    Column("names", Text, nullable=False),
    Column("inbox_next", BigInteger, nullable=False),
    Column("inbox_end", BigInteger, nullable=False),
    Column("outbox_next", BigInteger, nullable=False),
    Column("outbox_end", BigInteger, nullable=False),
    Column("estate_events_next", BigInteger, nullable=False, server_default="1"),
    Column("estate_events_end", BigInteger, nullable=False, server_default="0"),
)

#: Reference data as loaded, one row a thing: kind is estate, dealer, store, group, persona, campaign, offer, playbook,
#: shipped (a playbook that came with this program or an earlier one).
reference = Table(
    "reference", metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

#: Bearer tokens: only the SHA-256 of 256 random bits is kept, and whose it is: `cities` (JSON) is a region's, `source`
#: the only one that an integration may name. `session` is 1 where a one-time link made it, for one browser's cookie.
tokens = Table(
    "tokens", metadata,
    Column("hash", String(64), primary_key=True),
    Column("role", Text, nullable=False),
    Column("dealer_id", Text),
    Column("label", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("store_id", Text),
    Column("cities", Text),
    Column("source", Text),
    Column("expires_at", BigInteger),
    Column("session", SmallInteger, nullable=False, server_default="0"),
)

#: One-time links: of their 256 random bits, too, only the SHA-256 is kept. Whoever opens one gets a token for what
#: stands here, which holds for `days`.
login_links = Table(
    "login_links", metadata,
    Column("hash", String(64), primary_key=True),
    Column("role", Text, nullable=False),
    Column("dealer_id", Text),
    Column("store_id", Text),
    Column("cities", Text),
    Column("label", Text, nullable=False),
    Column("days", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

#: Who did or saw what, and what was refused: `key` begins the token's hash, `at` is in Unix milliseconds, `status`
#: HTTP's (0 for a command), `times` how often where it is a sum.
audit = Table(
    "audit", metadata,
    Column("seq", Offset, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("key", String(12)),
    Column("role", Text),
    Column("label", Text),
    Column("what", Text, nullable=False),
    Column("thing", Text, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("address", Text),
    Column("times", Integer, nullable=False, server_default="1"),
    Index("audit_at", "at"),
)

#: Where events are sent to (streams/webhooks): `kind` is standard or wecom, `types` is parted by spaces, `status` is
#: on, off, gone or gave-up; `next` is the outbox offset up to which it has everything, `due` not before when (Unix
#: milliseconds). The secrets are kept as they are, since we sign with them.
webhooks = Table(
    "webhooks", metadata,
    Column("name", String(64), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("dealer_id", Text),
    Column("city", Text),
    Column("secret", Text),
    Column("previous", Text),
    Column("previous_until", BigInteger),
    Column("status", Text, nullable=False),
    Column("next", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_since", BigInteger),
    Column("due", BigInteger, nullable=False),
    Column("said", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

#: Who may send us webhooks: `types` is a JSON object from their types to ours.
webhook_senders = Table(
    "webhook_senders", metadata,
    Column("name", String(64), primary_key=True),
    Column("types", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("previous", Text),
    Column("previous_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
)

#: What only one process does at a time: who, and until when, in Unix milliseconds.
leases = Table(
    "leases", metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)

#: What geocoders said (streams/geocoding): of addresses without building, unit and room. A row without a point says
#: that the provider knew none; `precision` is ours, `level` the provider's own word, `at` in Unix milliseconds.
geocodes = Table(
    "geocodes", metadata,
    Column("provider", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("lng", Double),
    Column("lat", Double),
    Column("crs", Text),
    Column("precision", Text),
    Column("level", Text),
    Column("at", BigInteger, nullable=False),
)

#: How often a provider was asked on a day (YYYY-MM-DD): its budget.
geocoder_calls = Table(
    "geocoder_calls", metadata,
    Column("provider", Text, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("calls", Integer, nullable=False),
)

#: What WeCom has said that there is to fetch (streams/wecom): the archive, or a group by its id. `due` is since when,
#: in Unix milliseconds, `seen` and `digest` what was fetched last.
wecom_marks = Table(
    "wecom_marks", metadata,
    Column("name", Text, primary_key=True),
    Column("due", BigInteger),
    Column("seen", BigInteger),
    Column("digest", String(64)),
    Index("wecom_marks_due", "due"),
)

#: Small facts about the database itself: its kind, the clock of a demo, the reference's version.
meta = Table(
    "meta", metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
