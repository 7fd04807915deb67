"""WeCom's side of a callback: it enciphers and signs as the vendor documents."""

from __future__ import annotations

import base64
from typing import Any

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from streams.wecom.crypto import Lock, key_of

AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
CORP, TOKEN = "wx5823bf96d3bd56c7", "QDG6eK"
LOCK = Lock(CORP, TOKEN, key_of(AES_KEY))
ADDRESS = "/v1/wecom/callback"
#: 2026-03-02 08:00 in Shanghai.
AT = 1772409600


def enciphered(text: str, *, receiver: str = CORP, lock: Lock = LOCK) -> str:
    said = text.encode()
    body = b"0123456789abcdef" + len(said).to_bytes(4, "big") + said + receiver.encode()
    pad = 32 - len(body) % 32
    encryptor = Cipher(algorithms.AES(lock.key), modes.CBC(lock.key[:16])).encryptor()
    return base64.b64encode(encryptor.update(body + bytes([pad]) * pad) + encryptor.finalize()).decode()


def signed(cipher: str, *, nonce: str = "263014780", timestamp: str = "1409659589") -> dict[str, str]:
    return {"msg_signature": LOCK.sign(timestamp, nonce, cipher), "timestamp": timestamp, "nonce": nonce}


def xml(event: str, **fields: Any) -> str:
    inner = {
        "ToUserName": CORP, "FromUserName": "sys", "CreateTime": AT, "MsgType": "event", "Event": event, **fields}
    return f"<xml>{''.join(_tag(name, value) for name, value in inner.items())}</xml>"


def _tag(name: str, value: Any) -> str:
    if isinstance(value, list):
        return f"<{name}>{''.join(_tag('Item', item) for item in value)}</{name}>"
    return f"<{name}>{value if isinstance(value, int) else f'<![CDATA[{value}]]>'}</{name}>"


def send(world: Any, text: str, **how: str) -> httpx.Response:
    cipher = enciphered(text)
    body = f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
    answer: httpx.Response = world.post(ADDRESS, who=None, params=signed(cipher, **how), content=body.encode())
    return answer
