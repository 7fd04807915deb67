"""Why a broker does not let us in, or is not to be trusted, and what to set."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

from streams.kafka.access import Access

#: The rest of the sentence about the broker, by the name of kafka-python's error.
_NO_LOGIN = (
    "refuses the login of {user} by {mechanism}: set LOUPAN_KAFKA_USER and LOUPAN_KAFKA_PASSWORD (or "
    "LOUPAN_KAFKA_PASSWORD_FILE) to what it knows, and LOUPAN_KAFKA_MECHANISM to how it knows it")
_ANSWERS = {
    "SaslAuthenticationFailedError": _NO_LOGIN,
    "UnsupportedSaslMechanismError": (
        "knows no login by {mechanism}: set LOUPAN_KAFKA_MECHANISM to another (PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512)"),
    "IllegalSaslStateError": "wants no login there: set LOUPAN_KAFKA_SECURITY to {open}, or name another port",
}
#: aiokafka's names.
_ANSWERS["SaslAuthenticationFailed"] = _NO_LOGIN
_ANSWERS["IllegalSaslState"] = _ANSWERS["IllegalSaslStateError"]
#: The first two bytes of a record of TLS: an alert, of any version 3.x.
_ALERT = 0x1503
_NAME = ("hostname mismatch", "ip address mismatch")
_CERTIFICATE = ("certificate_required", "alert_certificate", "bad_certificate", "handshake_failure", "unknown_ca")


def why_refused(error: BaseException, access: Access) -> str:
    """The rest of a sentence about the broker that refused us, with the remedy; "" where it did not."""
    for one in _causes(error):
        if answer := _ANSWERS.get(type(one).__name__):
            return answer.format(
                user=access.user, mechanism=access.mechanism, open="tls" if access.security.tls else "plaintext")
        if isinstance(one, ssl.SSLCertVerificationError):
            return _untrusted(one)
        if isinstance(one, ssl.SSLError):
            return _not_tls(one)
        if _is_alert(one) and not access.security.tls:
            return f"wants TLS: set LOUPAN_KAFKA_SECURITY to {'sasl_tls' if access.security.login else 'tls'}"
    return ""


def why_hung_up(access: Access) -> str:
    """As `why_refused`, for a broker that answers anybody's first question, and hangs up at our next.

    It says why before it hangs up, but kafka-python loses what comes together with the end.
    """
    if access.security.login:
        return _NO_LOGIN.format(user=access.user, mechanism=access.mechanism)
    return ("wants a login: set LOUPAN_KAFKA_SECURITY to "
            f"{'sasl_tls' if access.security.tls else 'sasl'}, and LOUPAN_KAFKA_USER and LOUPAN_KAFKA_PASSWORD")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it was made of: kafka-python wraps what OpenSSL says."""
    for _ in range(5):
        if error is None:
            return
        yield error
        inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = inner or error.__cause__ or error.__context__


def _is_alert(error: BaseException) -> bool:
    """Whether what the broker said was an alert of TLS (RFC 8446, 5.1), which was taken for the length of a frame."""
    said = re.search(r"Invalid frame length: (\d+)", str(error))
    return said is not None and int(said[1]) >> 16 == _ALERT


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    what = error.verify_message
    if any(name in what.lower() for name in _NAME):
        return (f"shows a certificate for another name ({what}): name the brokers in LOUPAN_KAFKA as their "
                "certificates do")
    return (f"shows a certificate that is not trusted ({what}): set LOUPAN_KAFKA_CA to the authority that signed it, "
            "in a PEM file")


def _not_tls(error: ssl.SSLError) -> str:
    reason = (error.reason or "").lower()
    if any(word in reason for word in _CERTIFICATE):
        return (f"wants a certificate of ours, or another ({reason.replace('_', ' ')}): set LOUPAN_KAFKA_CERTIFICATE "
                "and LOUPAN_KAFKA_KEY")
    if "wrong_version_number" in reason or "record_layer" in reason:
        return "does not speak TLS there: set LOUPAN_KAFKA_SECURITY to plaintext or sasl, or name its port for TLS"
    return ""
