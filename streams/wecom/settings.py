"""What WeCom needs to be told: read from the settings, checked, and what is missing named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import BadFile
from streams.settings import Settings
from streams.wecom.crypto import Lock, key_of

_CORP = "LOUPAN_WECOM_CORP_ID"
_CALLBACK = (_CORP, "LOUPAN_WECOM_TOKEN", "LOUPAN_WECOM_AES_KEY")
_ARCHIVE = (_CORP, "LOUPAN_WECOM_ARCHIVE_SECRET", "LOUPAN_WECOM_ARCHIVE_KEYS", "LOUPAN_WECOM_SDK")
_CONTACTS = (_CORP, "LOUPAN_WECOM_SECRET")
#: What can be set up, each by itself, and the variables that it takes.
PARTS = {"callback": _CALLBACK, "archive": _ARCHIVE, "groups": _CONTACTS}


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """What the conversation archive takes: the corp, its secret, private keys by version (0: any), the library."""

    corp_id: str
    secret: str
    keys: dict[int, Path]
    library: Path
    proxy: str


def missing(settings: Settings, part: str) -> list[str]:
    """The variables of a part that are not set."""
    return [name for name in PARTS[part] if not _value(settings, name)]


def is_wanted(settings: Settings, part: str) -> bool:
    """Whether anything of a part is set, beside the corp id that all share."""
    return any(_value(settings, name) for name in PARTS[part] if name != _CORP)


def lock_of(settings: Settings) -> Lock | None:
    """The callback's lock; None where it is not set up.

    Raises:
        BadFile: when it is set up by half, or the key is none.
    """
    if not is_wanted(settings, "callback"):
        return None
    _complete(settings, "callback")
    return Lock(_value(settings, _CORP), _value(settings, "LOUPAN_WECOM_TOKEN"), _aes_key(settings))


def _aes_key(settings: Settings) -> bytes:
    try:
        return key_of(_value(settings, "LOUPAN_WECOM_AES_KEY"))
    except ValueError as error:
        raise BadFile(
            "LOUPAN_WECOM_AES_KEY", None, str(error), "copy EncodingAESKey from the console, whole") from error


def archive_of(settings: Settings) -> ArchiveSettings:
    """What the archive takes.

    Raises:
        BadFile: naming what is missing or wrong.
    """
    _complete(settings, "archive")
    library = Path(_value(settings, "LOUPAN_WECOM_SDK"))
    if not library.is_file():
        raise BadFile(
            "LOUPAN_WECOM_SDK", None, f"there is no file {library}",
            "unpack the vendor's SDK and name its libWeWorkFinanceSdk_C.so")
    return ArchiveSettings(
        _value(settings, _CORP), _value(settings, "LOUPAN_WECOM_ARCHIVE_SECRET"),
        _key_files(_value(settings, "LOUPAN_WECOM_ARCHIVE_KEYS")), library, settings.wecom_proxy or "")


def contacts_of(settings: Settings) -> tuple[str, str]:
    """Corp id and secret of the interfaces of customers' contacts.

    Raises:
        BadFile: naming what is missing.
    """
    _complete(settings, "groups")
    return _value(settings, _CORP), _value(settings, "LOUPAN_WECOM_SECRET")


def _key_files(text: str) -> dict[int, Path]:
    """``1=old.pem,2=new.pem``: private keys by the version that the console counts; one file alone is for any."""
    keys: dict[int, Path] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        version, parted, path = part.rpartition("=")
        if parted and not version.strip().isdigit():
            raise BadFile("LOUPAN_WECOM_ARCHIVE_KEYS", None, f"{version} is no version", "write it as 1=key.pem,2=…")
        keys[int(version) if parted else 0] = Path(path.strip())
    return keys


def _complete(settings: Settings, part: str) -> None:
    lacking = missing(settings, part)
    if lacking:
        raise BadFile(lacking[0], None, "is not set", "docs/wecom.md says where the console shows it")


def _value(settings: Settings, name: str) -> str:
    value = getattr(settings, name.removeprefix("LOUPAN_").lower())
    shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return str(shown or "").strip()
