"""A stand-in for the vendor's SDK: records sealed as it documents, with keys that were really made."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from streams.wecom.sdk import Part, SdkFailed


@cache
def private_key(version: int = 1) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(version: int = 1) -> bytes:
    return private_key(version).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def mask(key: bytes, data: bytes) -> bytes:
    """In the place of the vendor's own cipher: turns a text over, and back."""
    return bytes(byte ^ key[at % len(key)] for at, byte in enumerate(data))


def sealed(seq: int, message: Any, version: int = 1, *, sealed_with: int | None = None) -> dict[str, Any]:
    """A record of GetChatData; `sealed_with` is the key that was really used."""
    key = f"random-key-{seq}".encode()
    text = message if isinstance(message, bytes) else json.dumps(message, ensure_ascii=False).encode()
    public = private_key(sealed_with or version).public_key()
    return {
        "seq": seq, "msgid": message.get("msgid", "") if isinstance(message, dict) else "", "publickey_ver": version,
        "encrypt_random_key": base64.b64encode(public.encrypt(key, PKCS1v15())).decode(),
        "encrypt_chat_msg": base64.b64encode(mask(key, b"wecom" + text)).decode(),
    }


class FakeSdk:
    """Answers as the documentation has it."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records = list(records)
        self.asked: list[tuple[int, int]] = []
        self.fails: list[int] = []
        self.answer: bytes | None = None
        self.files: dict[str, bytes] = {}

    def get_chat_data(self, seq: int, limit: int) -> bytes:
        self.asked.append((seq, limit))
        if self.fails:
            raise SdkFailed("GetChatData", self.fails.pop(0))
        if self.answer is not None:
            return self.answer
        found = [record for record in self.records if record.get("seq", 0) > seq][:limit]
        return json.dumps({"errcode": 0, "errmsg": "ok", "chatdata": found}).encode()

    def decrypt_data(self, key: bytes, message: str) -> bytes:
        plain = mask(key, base64.b64decode(message)) if key else b""
        if not plain.startswith(b"wecom"):
            raise SdkFailed("DecryptData", 10006)
        return plain[5:]

    def get_media_data(self, index: str, file_id: str) -> Part:
        at = int(index or 0)
        data = self.files[file_id]
        return Part(data[at:at + 4], str(at + 4), at + 4 >= len(data))


ROOM, MEMBER = "wrjc7bDwAASxc8tZvBErFE02BtPWyAAA", "wmErxtDgAAhteCglUZH2kUt3rq431qmg"
#: 2026-03-02 08:00:00.250 in Shanghai.
AT = 1772409600250


def message(msgtype: str, msgid: str = "m1", **fields: Any) -> dict[str, Any]:
    """An archived message of a group, deciphered."""
    return {
        "msgid": msgid, "action": "recall" if msgtype == "revoke" else "send", "from": MEMBER,
        "tolist": ["zhang", "li"], "roomid": ROOM, "msgtime": AT, "msgtype": msgtype, **fields}
