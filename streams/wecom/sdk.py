"""The vendor's SDK of the conversation archive: what is asked of it, and the customer's own library behind it.

The library is WeCom's (WeWorkFinanceSdk_C.h), is not shipped here, and is named by LOUPAN_WECOM_SDK.
Source: https://developer.work.weixin.qq.com/document/path/91774.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from schemas.errors import BadFile, Unavailable

#: Records of one call at most; the SDK refuses more.
LIMIT: Final = 1000
#: How long a call may take, in seconds.
TIMEOUT: Final = 10
#: What the SDK's codes mean, in its documentation's words; and those after which asking again may help.
CODES: Final = {
    10000: "a parameter is wrong", 10001: "the network", 10002: "its answer cannot be read",
    10003: "WeCom's system failed", 10004: "the key is wrong", 10005: "the file's id is wrong",
    10006: "it cannot be deciphered", 10007: "no private key of that version", 10008: "encrypt_key cannot be read",
    10009: "this machine's address is not among the trusted (可信IP)", 10010: "it is too old",
    10011: "the certificate is wrong",
}
PASSING: Final = frozenset({10001, 10002, 10003})


class SdkFailed(Unavailable):
    """The SDK said no; `passing` where asking again may help."""

    def __init__(self, call: str, code: int) -> None:
        self.code, self.passing = code, code in PASSING
        super().__init__(f"the archive's SDK: {call} says {code} ({CODES.get(code, 'not in its documentation')})")


class Part(NamedTuple):
    """A part of a file: its bytes, where the next begins, and whether it is the last."""

    data: bytes
    following: str
    is_last: bool


class Sdk(Protocol):
    """What is asked of the SDK. Whatever it refuses, it raises `SdkFailed`."""

    def get_chat_data(self, seq: int, limit: int) -> bytes:
        """JSON: `errcode`, `errmsg` and `chatdata`, the records behind `seq`, `limit` at most, in their order."""
        ...

    def decrypt_data(self, key: bytes, message: str) -> bytes:
        """A record's message as JSON, by the key that the private key brought out of `encrypt_random_key`."""
        ...

    def get_media_data(self, index: str, file_id: str) -> Part:
        """The part of a file that begins at `index`, the first at nothing."""
        ...


class Library:
    """The SDK by its C library. One thread at a time.

    Raises:
        BadFile: when the library cannot be loaded, or is another.
        Unavailable: when it will not be opened for this corp.
    """

    def __init__(self, path: Path, corp_id: str, secret: str, proxy: str = "") -> None:
        self._lib = _load(path)
        self._proxy = proxy.encode() or None
        self._sdk = self._lib.NewSdk()
        code = self._lib.Init(self._sdk, corp_id.encode(), secret.encode())
        if code:
            self.close()
            raise SdkFailed("Init", code)

    def get_chat_data(self, seq: int, limit: int) -> bytes:
        """As `Sdk` has it."""
        return self._said("GetChatData", lambda slice_: self._lib.GetChatData(
            self._sdk, seq, limit, self._proxy, None, TIMEOUT, slice_))

    def decrypt_data(self, key: bytes, message: str) -> bytes:
        """As `Sdk` has it."""
        return self._said("DecryptData", lambda slice_: self._lib.DecryptData(key, message.encode(), slice_))

    def get_media_data(self, index: str, file_id: str) -> Part:
        """As `Sdk` has it."""
        lib = self._lib
        media = lib.NewMediaData()
        try:
            code = lib.GetMediaData(
                self._sdk, index.encode(), file_id.encode(), self._proxy, None, TIMEOUT, media)
            if code:
                raise SdkFailed("GetMediaData", code)
            data = ctypes.string_at(lib.GetData(media), lib.GetDataLen(media))
            following = ctypes.string_at(lib.GetOutIndexBuf(media), lib.GetIndexLen(media)).decode()
            return Part(data, following, bool(lib.IsMediaDataFinish(media)))
        finally:
            lib.FreeMediaData(media)

    def close(self) -> None:
        """Give back what the library holds. A second time does nothing."""
        if self._sdk:
            self._lib.DestroySdk(self._sdk)
            self._sdk = None

    def _said(self, call: str, ask: Callable[[Any], int]) -> bytes:
        with self._slice() as slice_:
            code = ask(slice_)
            if code:
                raise SdkFailed(call, code)
            return ctypes.string_at(self._lib.GetContentFromSlice(slice_), self._lib.GetSliceLen(slice_))

    @contextmanager
    def _slice(self) -> Iterator[int]:
        slice_ = self._lib.NewSlice()
        try:
            yield slice_
        finally:
            self._lib.FreeSlice(slice_)


_TEXT, _POINTER, _INT = ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int
#: Each function of the header that is called: what it gives, what it takes.
_FUNCTIONS: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "NewSdk": (_POINTER, ()),
    "Init": (_INT, (_POINTER, _TEXT, _TEXT)),
    "DestroySdk": (None, (_POINTER,)),
    "GetChatData": (_INT, (_POINTER, ctypes.c_ulonglong, ctypes.c_uint, _TEXT, _TEXT, _INT, _POINTER)),
    "DecryptData": (_INT, (_TEXT, _TEXT, _POINTER)),
    "GetMediaData": (_INT, (_POINTER, _TEXT, _TEXT, _TEXT, _TEXT, _INT, _POINTER)),
    "NewSlice": (_POINTER, ()), "FreeSlice": (None, (_POINTER,)),
    "GetContentFromSlice": (_POINTER, (_POINTER,)), "GetSliceLen": (_INT, (_POINTER,)),
    "NewMediaData": (_POINTER, ()), "FreeMediaData": (None, (_POINTER,)),
    "GetOutIndexBuf": (_POINTER, (_POINTER,)), "GetIndexLen": (_INT, (_POINTER,)),
    "GetData": (_POINTER, (_POINTER,)), "GetDataLen": (_INT, (_POINTER,)),
    "IsMediaDataFinish": (_INT, (_POINTER,)),
}


def _load(path: Path) -> Any:
    try:
        lib = ctypes.CDLL(str(path))
    except OSError as error:
        why = str(error).removeprefix(f"{path}: ")
        raise BadFile(
            str(path), None, f"cannot be loaded: {why}", "take the SDK for this machine's system and processor"
        ) from error
    for name, (gives, takes) in _FUNCTIONS.items():
        try:
            function = getattr(lib, name)
        except AttributeError as error:
            raise BadFile(
                str(path), None, f"has no function {name}", "name the vendor's libWeWorkFinanceSdk_C.so") from error
        function.restype, function.argtypes = gives, takes
    return lib
