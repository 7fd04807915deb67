from __future__ import annotations

from schemas.events import IN_EVENTS
from schemas.topics import TOPIC_OF, TOPICS


def test_every_event_that_comes_in_belongs_to_one_topic():
    assert set(TOPIC_OF) == set(IN_EVENTS)
    assert set(TOPIC_OF.values()) <= set(TOPICS)


def test_the_topics_have_the_names_and_keys_that_integrations_rely_on():
    assert {(topic.name, topic.key) for topic in TOPICS} == {
        ("group-events", "group_id"), ("order-events", "order_id"), ("task-events", "estate_id"),
        ("commands", "estate_id"), ("reference", "kind/id"), ("estate-events", "estate_id"),
        ("tasks", "dealer_id"), ("campaign-events", "estate_id"), ("flow", "estate_id"), ("dead-letters", "source"),
    }
    assert {topic.name for topic in TOPICS if topic.compacted} == {"reference", "flow"}
