"""What waits for the broker has so many bytes, and not one more."""

from __future__ import annotations

from threading import Thread

from streams.kafka.room import Room


def test_what_does_not_fit_waits_and_is_refused():
    room = Room(100)
    assert room.take(60, 0)
    assert not room.take(41, 0.01)
    assert room.take(40, 0)


def test_what_is_given_back_lets_in_who_waits():
    room, got = Room(100), []
    assert room.take(100, 0)
    waiting = Thread(target=lambda: got.append(room.take(50, 30)))
    waiting.start()
    room.give(100)
    waiting.join(30)
    assert got == [True]


def test_what_is_larger_than_the_room_has_it_alone():
    room = Room(100)
    assert room.take(1_000, 0)
    assert not room.take(1, 0)
    room.give(1_000)
    assert room.take(100, 0)
