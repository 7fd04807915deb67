"""How WeCom signs and enciphers its callbacks.

SHA-1 over token, timestamp, nonce and ciphertext, sorted; AES-256-CBC whose key is the console's EncodingAESKey, whose
vector is the key's first 16 bytes, and whose padding is PKCS#7 to blocks of 32 bytes. Inside: 16 random bytes, the
text's length in 4 bytes, the text, the receiver's id. Source: https://developer.work.weixin.qq.com/document/path/90968.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

#: The padding's block, in bytes: twice that of AES.
BLOCK = 32
_RANDOM, _LENGTH = 16, 4


class Unsigned(Exception):
    """The signature is not WeCom's."""


class Unreadable(Exception):
    """What was sent cannot be deciphered, or is for somebody else; says why, in English and (`zh`) in Chinese."""

    def __init__(self, en: str, zh: str) -> None:
        self.zh = zh
        super().__init__(en)


@dataclass(frozen=True, slots=True)
class Lock:
    """What the console shows beside the callback's address: token and EncodingAESKey, and whose they are."""

    receiver: str
    token: str = field(repr=False)
    key: bytes = field(repr=False)

    def check(self, signature: str, timestamp: str, nonce: str, cipher: str) -> None:
        """Check who sent it.

        Raises:
            Unsigned: when it was not WeCom.
        """
        if not hmac.compare_digest(self.sign(timestamp, nonce, cipher).encode(), signature.encode()):
            raise Unsigned

    def sign(self, timestamp: str, nonce: str, cipher: str) -> str:
        """The signature of a ciphertext (msg_signature)."""
        said = "".join(sorted((self.token, timestamp, nonce, cipher)))
        # SHA-1 is what WeCom prescribes.
        return hashlib.sha1(said.encode(), usedforsecurity=False).hexdigest()

    def open(self, cipher: str) -> bytes:
        """The text of a ciphertext in base64.

        Raises:
            Unreadable: when it is none, or not for us.
        """
        padded = self._decipher(cipher)
        size = padded[-1] if padded else 0
        if not 1 <= size <= BLOCK or padded[-size:] != bytes([size]) * size:
            raise Unreadable(
                "its padding is wrong: is LOUPAN_WECOM_AES_KEY the console's EncodingAESKey?",
                "填充不对：请核对 LOUPAN_WECOM_AES_KEY 和管理后台里的 EncodingAESKey")
        body = padded[_RANDOM:-size]
        length = int.from_bytes(body[:_LENGTH], "big")
        text, receiver = body[_LENGTH:_LENGTH + length], body[_LENGTH + length:]
        if len(text) != length:
            raise Unreadable("it is shorter than it says", "内容比它说的短")
        if receiver != self.receiver.encode():
            raise Unreadable(
                "it is for another corp id than LOUPAN_WECOM_CORP_ID",
                "不是发给 LOUPAN_WECOM_CORP_ID 这个企业的")
        return text

    def _decipher(self, cipher: str) -> bytes:
        try:
            raw = base64.b64decode(cipher, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Unreadable("it is not base64", "不是 base64") from error
        if not raw or len(raw) % 16:
            raise Unreadable("its length is not that of whole blocks", "长度不是整块")
        decryptor = Cipher(algorithms.AES(self.key), modes.CBC(self.key[:16])).decryptor()
        return decryptor.update(raw) + decryptor.finalize()


def key_of(text: str) -> bytes:
    """The 32 bytes of an EncodingAESKey (43 characters of base64).

    Raises:
        ValueError: when it is none.
    """
    if len(text) != 43:
        raise ValueError(f"has {len(text)} characters, not the 43 of an EncodingAESKey")
    try:
        # The last character holds two bits too many, which WeCom leaves set as chance would have it.
        return base64.b64decode(text + "=", validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64") from error
