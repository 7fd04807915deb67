"""How a Kafka cluster lets us in: by TLS, by a login, by both, or as anybody.

The two libraries are given the same context of TLS, which checks the broker's certificate and its host name.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from schemas.errors import BadFile
from streams.settings import Settings, read_settings

_SECURITY = "LOUPAN_KAFKA_SECURITY"
_CA, _CERTIFICATE, _KEY = "LOUPAN_KAFKA_CA", "LOUPAN_KAFKA_CERTIFICATE", "LOUPAN_KAFKA_KEY"
_USER, _PASSWORD, _PASSWORD_FILE = "LOUPAN_KAFKA_USER", "LOUPAN_KAFKA_PASSWORD", "LOUPAN_KAFKA_PASSWORD_FILE"
_MECHANISM = "LOUPAN_KAFKA_MECHANISM"


class Security(StrEnum):
    """What stands between a client and a broker."""

    PLAINTEXT = "plaintext"
    TLS = "tls"
    SASL = "sasl"
    SASL_TLS = "sasl_tls"

    @property
    def tls(self) -> bool:
        """Whether what is said is enciphered, and the broker shows who it is."""
        return self in {Security.TLS, Security.SASL_TLS}

    @property
    def login(self) -> bool:
        """Whether a user logs in."""
        return self in {Security.SASL, Security.SASL_TLS}


#: What Kafka calls them.
_PROTOCOLS = {
    Security.PLAINTEXT: "PLAINTEXT", Security.TLS: "SSL", Security.SASL: "SASL_PLAINTEXT",
    Security.SASL_TLS: "SASL_SSL"}


@dataclass(frozen=True, slots=True)
class Access:
    """How a cluster is to be reached; `read_access` makes one that is checked.

    `ca`, `certificate` and `key` are PEM files; without `ca` the system's authorities are trusted. The password is in
    no repr.
    """

    security: Security = Security.PLAINTEXT
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    mechanism: str = "SCRAM-SHA-512"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def context(self) -> ssl.SSLContext | None:
        """The context of TLS, made of the files as they are now; None without TLS.

        Raises:
            BadFile: naming the variable whose file cannot be used.
        """
        if not self.security.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise BadFile(_CA, None, _unusable(self.ca, error), "name a PEM file of authorities") from error
        if self.certificate is not None:
            try:
                # A password of our own: for a key that has one, OpenSSL would ask the terminal.
                context.load_cert_chain(self.certificate, self.key, "")
            except (OSError, ValueError) as error:
                raise BadFile(
                    _CERTIFICATE, None, _unusable(" with ".join(filter(None, (self.certificate, self.key))), error),
                    f"name PEM files: the certificate, and by {_KEY} its key, without a passphrase") from error
        return context

    def for_client(self) -> dict[str, Any]:
        """The words by which kafka-python and aiokafka are told.

        Raises:
            BadFile: as `context`.
        """
        words: dict[str, Any] = {
            "security_protocol": _PROTOCOLS[self.security], "ssl_context": self.context()}
        if self.security.login:
            words |= {
                "sasl_mechanism": self.mechanism, "sasl_plain_username": self.user,
                "sasl_plain_password": self.password}
        return words


#: As anybody.
OPEN = Access()


def read_access() -> Access:
    """The access that the environment tells of.

    Raises:
        BadFile: naming the variable that is wrong, or doesn't go with the others, and the remedy.
    """
    return access_of(read_settings())


def access_of(settings: Settings) -> Access:
    """The access that settings tell of.

    Raises:
        BadFile: as `read_access`.
    """
    security = Security(settings.kafka_security)
    ca, certificate, key = settings.kafka_ca, settings.kafka_certificate, settings.kafka_key
    if not security.tls:
        for name, value in ((_CA, ca), (_CERTIFICATE, certificate), (_KEY, key)):
            if value is not None:
                raise BadFile(
                    name, None, f"is for TLS, and {_SECURITY} is {security}",
                    f"set {_SECURITY} to {'sasl_tls' if security.login else 'tls'}, or unset {name}")
    if key is not None and certificate is None:
        raise BadFile(_KEY, None, "is the key of a certificate, and there is none", f"set {_CERTIFICATE}, too")
    user, password = _login(settings, security)
    access = Access(security, ca, certificate, key, settings.kafka_mechanism, user, password)
    access.context()
    return access


def _login(settings: Settings, security: Security) -> tuple[str | None, str | None]:
    user, secret, file = settings.kafka_user, settings.kafka_password, settings.kafka_password_file
    if not security.login:
        mechanism = settings.kafka_mechanism if "kafka_mechanism" in settings.model_fields_set else None
        for name, value in ((_USER, user), (_PASSWORD, secret), (_PASSWORD_FILE, file), (_MECHANISM, mechanism)):
            if value is not None:
                raise BadFile(
                    name, None, f"is for a login, and {_SECURITY} is {security}",
                    f"set {_SECURITY} to {'sasl_tls' if security.tls else 'sasl, or sasl_tls'}, or unset {name}")
        return None, None
    if user is None:
        raise BadFile(_USER, None, f"is missing, and {_SECURITY} is {security}", "name the user who logs in")
    if settings.kafka_mechanism != "PLAIN" and set(user) & set(",="):
        raise BadFile(
            _USER, None, f"has a comma or an equals sign, by which {settings.kafka_mechanism} parts its words",
            "name a user without")
    if secret is not None and file is not None:
        raise BadFile(_PASSWORD_FILE, None, f"is set, and so is {_PASSWORD}", "unset one of them")
    if secret is not None:
        return user, secret.get_secret_value()
    if file is None:
        raise BadFile(_PASSWORD, None, f"is missing, and {_SECURITY} is {security}", f"set it, or {_PASSWORD_FILE}")
    return user, _read_password(file)


def _read_password(file: str) -> str:
    try:
        password = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise BadFile(_PASSWORD_FILE, None, f"{file} is not UTF-8", "name the file with the password") from error
    except OSError as error:
        raise BadFile(_PASSWORD_FILE, None, _unusable(file, error), "name the file with the password") from error
    if not password:
        raise BadFile(_PASSWORD_FILE, None, f"{file} is empty", "write the password into it")
    return password


def _unusable(file: str | None, error: Exception) -> str:
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        return f"{file} cannot be used ({getattr(error, 'reason', None) or 'no PEM'})"
    return f"{file} cannot be read: {(error.strerror or str(error)).lower()}"
