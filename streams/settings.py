"""Settings: read once, from LOUPAN_* in the environment, and frozen. Flags of a command stand over them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import BadFile
from streams.zones import ZoneName


class Settings(BaseSettings):
    """What a run can be told. Each field is LOUPAN_<FIELD> in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="LOUPAN_", frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    database: str = Field(default="loupan.db", description="a SQLite file, or a PostgreSQL URL")
    host: str = Field(default="127.0.0.1", description="the address that the gateway listens on")
    port: int = Field(default=8460, ge=0, le=65535, description="its port; 0 takes any that is free")
    batch: int = Field(default=1000, ge=1, le=100_000, description="events of one transaction at most")
    zone: ZoneName = Field(default="Asia/Shanghai", description="the zone of dates on the pages")
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="how much is logged")
    kafka: str = Field(default="127.0.0.1:9092", description="the Kafka brokers, HOST:PORT, parted by commas")
    kafka_security: str = Field(
        default="plaintext", pattern="^(plaintext|tls|sasl|sasl_tls)$", description="how the brokers let us in")
    kafka_ca: str | None = Field(
        default=None, description="for TLS: a PEM file of the authorities to trust; without it the system's")
    kafka_certificate: str | None = Field(default=None, description="for TLS: a PEM file with our own certificate")
    kafka_key: str | None = Field(default=None, description="a PEM file with its key, unless the other has it, too")
    kafka_mechanism: str = Field(
        default="SCRAM-SHA-512", pattern="^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$", description="how the user logs in")
    kafka_user: str | None = Field(default=None, description="the user who logs in")
    kafka_password: SecretStr | None = Field(default=None, description="the user's password")
    kafka_password_file: str | None = Field(default=None, description="instead: a file with the password")
    partitions: int = Field(default=16, ge=1, le=10_000, description="partitions of a topic")
    replication: int = Field(default=3, ge=1, le=100, description="copies of a topic")
    topic_prefix: str = Field(
        default="", pattern=r"^[a-zA-Z0-9._-]{0,200}$", description="what stands before the names of topics")
    attachments: Path | None = Field(
        default=None, description="a folder with the pictures that go along with tasks (docs/dealers.md)")
    log: str = Field(default="embedded", pattern="^(embedded|kafka)$", description="what carries events")
    metrics_host: str = Field(default="127.0.0.1", description="the address of a worker's metrics")
    metrics_port: int = Field(default=8461, ge=0, le=65535, description="their port; 0 takes any that is free")
    worker: str | None = Field(default=None, description="a worker's name among the workers, kept over restarts")

    rate: float = Field(default=50.0, ge=0, le=100_000, description="requests a second of one token; 0 sets no limit")
    rate_burst: int = Field(default=200, ge=1, le=1_000_000, description="and how many at once")
    audit_days: int = Field(default=180, ge=1, le=36_500, description="how long the audit log is kept")
    url: str | None = Field(
        default=None, pattern=r"^https?://[^\s/?#]+$", description="the gateway's address as people open it, for links")

    geocoder: str | None = Field(
        default=None, pattern="^(amap|baidu|tencent|nominatim)$", description="the geocoder to ask; none by default")
    geocoder_key: SecretStr | None = Field(default=None, description="its key")
    geocoder_key_file: Path | None = Field(default=None, description="a file with its key")
    geocoder_domain: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9.:\[\]-]{1,255}$", description="its host, if not the provider's own")
    geocoder_scheme: str = Field(default="https", pattern="^https?$", description="https, or http to a host of yours")
    geocoder_budget: int = Field(default=1000, ge=0, le=10_000_000, description="calls a day at most")
    geocoder_per_second: float = Field(default=3.0, gt=0, le=10_000, description="calls a second at most")
    geocoder_timeout: float = Field(default=3.0, gt=0, le=60, description="how long a call may take, in seconds")
    geocoder_keep_days: int = Field(default=180, ge=1, le=36_500, description="how long answers are kept")

    webhook_private: bool = Field(
        default=False, description="whether webhooks may go to addresses of this machine or of a private network")
    webhook_timeout: float = Field(default=15.0, gt=0, le=120, description="how long a webhook may take, in seconds")
    webhook_days: float = Field(
        default=5.0, gt=0, le=365, description="after failing so many days an endpoint is told nothing any more")

    wecom_corp_id: str | None = Field(default=None, max_length=64, description="WeCom's id of the company (企业ID)")
    wecom_token: SecretStr | None = Field(default=None, description="the callback's Token")
    wecom_aes_key: SecretStr | None = Field(default=None, description="the callback's EncodingAESKey")
    wecom_secret: SecretStr | None = Field(default=None, description="the Secret of the app that may read customers")
    wecom_archive_secret: SecretStr | None = Field(default=None, description="the Secret of the conversation archive")
    wecom_archive_keys: str | None = Field(
        default=None, description="PEM files of its private keys by version: 1=old.pem,2=new.pem")
    wecom_sdk: str | None = Field(default=None, description="the file libWeWorkFinanceSdk_C.so of the vendor's SDK")
    wecom_proxy: str | None = Field(default=None, description="a proxy for the SDK: http://host:port, socks5://…")
    wecom_api: str = Field(
        default="https://qyapi.weixin.qq.com", pattern=r"^https?://[A-Za-z0-9.:\[\]-]{1,255}$",
        description="where WeCom's interfaces are")

    @field_validator("attachments", "geocoder", "geocoder_key", "geocoder_key_file", "geocoder_domain", mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        """A variable that is set to nothing is as one that is not set: compose files cannot leave one out."""
        return None if value == "" else value


def read_settings() -> Settings:
    """Read the environment.

    Raises:
        BadFile: naming the variable that is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "LOUPAN_" + "_".join(str(part) for part in first["loc"]).upper()
        what = first["msg"].removeprefix("Value error, ")
        raise BadFile(name, None, what, "correct it in the environment") from error
