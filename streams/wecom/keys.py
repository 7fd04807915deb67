"""The corp's private keys, which bring a record's own key out of it; each by the version that the console counts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from schemas.errors import BadEvent, BadFile

#: The version of a key that is named without one: it is for whatever has no key of its own.
ANY = 0


class Keys:
    """RSA keys by version."""

    def __init__(self, keys: Mapping[int, RSAPrivateKey]) -> None:
        self._keys = dict(keys)

    def open(self, version: int, sealed: str) -> bytes:
        """A record's key out of its `encrypt_random_key` (RSA, PKCS#1 v1.5, base64).

        Raises:
            BadEvent: when there is no key of that version, or it does not fit.
        """
        key = self._keys.get(version) or self._keys.get(ANY)
        if key is None:
            had = ", ".join(map(str, sorted(self._keys))) or "none"
            raise BadEvent(
                f"it is sealed with version {version} of the public key, of which there is no private key (there is "
                f"{had}): name it in LOUPAN_WECOM_ARCHIVE_KEYS, then pull it again")
        try:
            return key.decrypt(base64.b64decode(sealed, validate=True), PKCS1v15())
        except (binascii.Error, ValueError) as error:
            raise BadEvent(
                f"encrypt_random_key cannot be opened with the private key of version {version}: "
                "does it belong to that version of the public key?") from error


def read_keys(files: Mapping[int, Path]) -> Keys:
    """The keys from their PEM files.

    Raises:
        BadFile: when one cannot be read or is no RSA key.
    """
    return Keys({version: _read(path) for version, path in files.items()})


def _read(path: Path) -> RSAPrivateKey:
    remedy = "LOUPAN_WECOM_ARCHIVE_KEYS names PEM files of RSA private keys without a password"
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise BadFile(str(path), None, f"cannot be read: {(error.strerror or str(error)).lower()}", remedy) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadFile(str(path), None, "is no private key that can be read", remedy) from error
    if not isinstance(key, RSAPrivateKey):
        raise BadFile(str(path), None, "is no RSA key", remedy)
    return key
