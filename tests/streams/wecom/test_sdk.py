"""The vendor's library by its C header: a library of that form, compiled here, is called as the real one would be."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from schemas.errors import BadFile
from streams.wecom.sdk import Library, SdkFailed


@pytest.fixture
def library(sdk_library):
    library = Library(sdk_library, "corp", "right")
    yield library
    library.close()
    assert ctypes.CDLL(str(sdk_library)).Alive() == 0, "something was not given back"


def test_records_and_messages_come_as_bytes_of_their_length(library):
    assert library.get_chat_data(0, 1000) == b'{"errcode":0}'
    assert library.decrypt_data(b"key", "message") == b"a\0b"


def test_numbers_beyond_32_bits_arrive_whole(library):
    with pytest.raises(SdkFailed) as failed:
        library.get_chat_data(2**64 - 1, 10)
    assert failed.value.passing
    assert "the network" in str(failed.value)


def test_a_proxy_is_handed_on(sdk_library):
    library = Library(sdk_library, "corp", "right", "http://10.0.0.1:8081")
    assert library.get_chat_data(0, 1) == b'{"proxy":1}'
    library.close()


def test_what_the_library_refuses_is_said_in_words(library):
    with pytest.raises(SdkFailed, match="DecryptData says 10006") as failed:
        library.decrypt_data(b"wrong", "message")
    assert not failed.value.passing
    with pytest.raises(SdkFailed, match="GetMediaData says 10005"):
        library.get_media_data("", "another")


def test_a_file_comes_in_parts(library):
    first = library.get_media_data("", "file")
    assert first == (b"ab", "next", False)
    assert library.get_media_data(first.following, "file") == (b"\0c", "", True)


def test_a_secret_that_is_wrong_is_said_and_everything_is_given_back(sdk_library):
    with pytest.raises(SdkFailed, match="Init says 10004") as failed:
        Library(sdk_library, "corp", "secret-that-nobody-may-see")
    assert "nobody-may-see" not in str(failed.value)
    assert ctypes.CDLL(str(sdk_library)).Alive() == 0


def test_what_is_no_library_is_said_with_the_remedy(tmp_path):
    file = tmp_path / "lib.so"
    file.write_bytes(b"not a library")
    with pytest.raises(BadFile, match="cannot be loaded"):
        Library(file, "corp", "right")


def test_another_library_is_named():
    libc = next((path for path in (Path("/lib/x86_64-linux-gnu/libc.so.6"), Path("/lib64/libc.so.6"))
                 if path.exists()), None)
    if libc is None:
        pytest.skip("the C library is elsewhere")
    with pytest.raises(BadFile, match="has no function NewSdk"):
        Library(libc, "corp", "right")
