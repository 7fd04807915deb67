"""The distributed deployment's files: what a container engine, Prometheus and Grafana would stumble over."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

COMPOSE = ROOT / "docker-compose.yml"
FOLDER = ROOT / "compose"

# What the gateway and the workers measure, with the labels of each; a histogram is asked by its three series.
METRICS: dict[str, set[str]] = {
    "loupan_step_events_total": {"step", "outcome"},
    "loupan_step_seconds": {"step"},
    "loupan_step_batch_events": {"step"},
    "loupan_fenced_total": set(),
    "loupan_retries_total": {"what"},
    "loupan_partition_lag": {"step", "topic", "partition"},
    "loupan_outbox_waiting": set(),
    "loupan_outbox_age_seconds": set(),
    "loupan_dead_letters": set(),
    "loupan_wakeups_due": set(),
    "loupan_campaigns": {"phase"},
    "loupan_http_requests_total": {"method", "route", "status"},
    "loupan_http_seconds": {"route"},
    "loupan_events_received_total": {"status"},
    "loupan_streams_open": {"stream"},
    "loupan_inbox_lag": set(),
}
HISTOGRAMS = {"loupan_step_seconds", "loupan_step_batch_events", "loupan_http_seconds"}
# Prometheus' own.
ITS_OWN = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate", "severity"}}
SERIES = ITS_OWN | {name: labels for name, labels in METRICS.items() if name not in HISTOGRAMS} | {
    f"{name}_{part}": METRICS[name] | ({"le"} if part == "bucket" else set())
    for name in HISTOGRAMS for part in ("bucket", "sum", "count")
}

SETTINGS = {
    "LOUPAN_DATABASE", "LOUPAN_LOG", "LOUPAN_LOG_LEVEL", "LOUPAN_KAFKA", "LOUPAN_PARTITIONS", "LOUPAN_REPLICATION",
    "LOUPAN_HOST", "LOUPAN_PORT", "LOUPAN_METRICS_HOST", "LOUPAN_METRICS_PORT", "LOUPAN_BATCH", "LOUPAN_ZONE",
}


def read_env(path: Path) -> dict[str, str]:
    """An env file's keys and values, taken literally."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


LOUPAN = read_env(FOLDER / "loupan.env")
PRODUCTION = read_env(FOLDER / "production.env")
ENVIRONMENTS = {"one broker": {}, "production": PRODUCTION}


def fill_in(text: str, environment: dict[str, str]) -> str:
    """Interpolate `${NAME:-default}`, the only form that we use."""
    filled = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: environment.get(found[1]) or found[2], text)
    assert "${" not in filled
    return filled


def compose(environment: dict[str, str]) -> Any:
    return yaml.safe_load(fill_in(COMPOSE.read_text("utf-8"), environment))


PROJECT = compose({})
SERVICES: dict[str, Any] = PROJECT["services"]
ONE_SHOT = {"migrate"}
LONG_RUNNING = sorted(SERVICES.keys() - ONE_SHOT)
every_service = pytest.mark.parametrize("name", SERVICES)
every_long_running_service = pytest.mark.parametrize("name", LONG_RUNNING)
every_environment = pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))


def brokers(environment: dict[str, str]) -> dict[str, Any]:
    """The brokers that run, by name."""
    profiles = environment.get("COMPOSE_PROFILES", "").split(",")
    return {
        name: service for name, service in compose(environment)["services"].items()
        if service["image"].startswith("apache/kafka:") and set(service.get("profiles", profiles)) & set(profiles)
    }


# The compose file.


def check_schema(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_compose_file_is_valid_against_the_compose_specification():
    answer = check_schema(COMPOSE)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_misspelt_key_of_the_compose_file_is_found(tmp_path: Path):
    misspelt = tmp_path / "docker-compose.yml"
    misspelt.write_text(COMPOSE.read_text("utf-8").replace("stop_grace_period", "stop_grace_perod", 1), "utf-8")
    answer = check_schema(misspelt)
    assert answer.returncode != 0
    assert "stop_grace_perod" in answer.stdout


def is_pinned(image: str) -> bool:
    # PostgreSQL's versions have two parts.
    parts = 2 if image.startswith("postgres:") else 3
    version = r"\.".join([r"\d+"] * parts)
    return bool(re.fullmatch(rf"[\w./-]+(:v?{version}(-[a-z]+)*|@sha256:[0-9a-f]{{64}})", image))


@pytest.mark.parametrize("image", ["postgres", "postgres:17", "python:3.13-slim", "prom/prometheus:latest"])
def test_an_image_that_may_change_is_not_taken_for_pinned(image: str):
    assert not is_pinned(image)


@every_service
def test_every_image_is_pinned_to_an_exact_version(name: str):
    assert is_pinned(SERVICES[name]["image"])


def test_the_image_that_is_built_bears_the_projects_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    built = {service["image"] for service in SERVICES.values() if "build" in service}
    assert built == {f"loupan:{version}"}


@every_service
def test_what_a_service_waits_for_is_a_service_that_can_fulfil_it(name: str):
    service = SERVICES[name]
    for other, how in service.get("depends_on", {}).items():
        needed = {"service_healthy": "healthcheck", "service_completed_successfully": "command"}[how["condition"]]
        assert needed in SERVICES[other]
        assert (other in ONE_SHOT) == (how["condition"] == "service_completed_successfully")
        # One that only another profile starts must not hold this one up.
        starts_with = set(SERVICES[other].get("profiles", [])) - set(service.get("profiles", []))
        assert not starts_with or how["required"] is False


def volumes_of(service: Any) -> list[tuple[str, str]]:
    return [tuple(volume.split(":")[:2]) for volume in service.get("volumes", [])]


@every_service
def test_networks_secrets_volumes_and_folders_of_a_service_are_there(name: str):
    service = SERVICES[name]
    assert set(service["networks"]) <= PROJECT["networks"].keys()
    assert set(service.get("secrets", [])) <= PROJECT["secrets"].keys()
    for source, _ in volumes_of(service):
        assert (ROOT / source).exists() if source.startswith("./") else source in PROJECT["volumes"]


@every_environment
def test_every_env_file_is_there(environment: dict[str, str]):
    for service in compose(environment)["services"].values():
        assert all((ROOT / path).is_file() for path in service.get("env_file", []))


def test_nothing_is_declared_that_no_service_uses():
    used = {
        "networks": {network for service in SERVICES.values() for network in service["networks"]},
        "secrets": {secret for service in SERVICES.values() for secret in service.get("secrets", [])},
        "volumes": {source for service in SERVICES.values() for source, _ in volumes_of(service) if source[0] != "."},
    }
    assert used == {kind: set(PROJECT[kind]) for kind in used}


@every_service
def test_services_that_wait_for_each_other_share_a_network(name: str):
    service = SERVICES[name]
    for other in service.get("depends_on", {}):
        assert other in ONE_SHOT or set(service["networks"]) & set(SERVICES[other]["networks"])


@every_service
def test_no_setting_of_a_service_is_a_secret(name: str):
    for key, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|PRIVATE", key):
            assert key.endswith("_FILE")
            assert value.removeprefix("/run/secrets/") in SERVICES[name]["secrets"]
        assert not re.search(r"://[^/@]*:[^/@]*@", str(value))


def test_secrets_are_files_that_git_and_the_image_leave_out():
    assert "/compose/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    for secret in PROJECT["secrets"].values():
        assert secret["file"].startswith("compose/secrets/")
        assert not is_in_the_image(secret["file"])


@every_service
def test_every_port_is_published_on_loopback_alone(name: str):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@every_long_running_service
def test_every_long_running_service_is_watched_and_started_again(name: str):
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["healthcheck"].keys() >= {"interval", "timeout", "retries", "start_period"}
    assert service["restart"] == "unless-stopped"
    assert "stop_grace_period" in service


@every_service
def test_no_service_can_take_or_do_more_than_it_must(name: str):
    service = SERVICES[name]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is not service["image"].startswith("apache/kafka:")
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc"}


def test_workers_can_be_any_number():
    assert not SERVICES["worker"].keys() & {"container_name", "ports", "hostname"}
    assert SERVICES["worker"]["deploy"]["replicas"] >= 2


# Settings.


def test_the_env_file_has_every_setting_and_nothing_else():
    assert LOUPAN.keys() == SETTINGS


def test_the_env_files_mean_the_same_to_whatever_reads_them():
    for value in [*LOUPAN.values(), *PRODUCTION.values()]:
        assert re.fullmatch(r"[\w./:,@+-]+", value)


def test_no_env_file_holds_a_password():
    for key, value in [*LOUPAN.items(), *PRODUCTION.items()]:
        assert "PASSWORD" not in key
        assert not re.search(r"://[^/@]*:[^/@]*@", value)


def test_every_key_of_the_production_env_file_is_read_by_something():
    ours = {key for key in PRODUCTION if key.startswith("LOUPAN_")}
    assert ours <= SETTINGS
    assert PRODUCTION.keys() - ours - {"COMPOSE_PROFILES"} <= set(re.findall(r"\$\{(\w+)", COMPOSE.read_text("utf-8")))


@every_environment
def test_loupan_and_the_brokers_agree_about_the_cluster(environment: dict[str, str]):
    cluster, settings = brokers(environment), LOUPAN | environment
    assert len(cluster) == (3 if environment else 1)
    assert settings["LOUPAN_KAFKA"].split(",") == [f"{name}:9092" for name in cluster]
    voters = ",".join(f"{broker['environment']['KAFKA_NODE_ID']}@{name}:9093" for name, broker in cluster.items())
    for name, broker in cluster.items():
        told = broker["environment"]
        assert told["KAFKA_CONTROLLER_QUORUM_VOTERS"] == voters
        assert told["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{name}:9092"
        factors = {str(value) for key, value in told.items() if key.endswith("REPLICATION_FACTOR")}
        assert factors == {settings["LOUPAN_REPLICATION"]} == {str(len(cluster))}
        in_sync = {str(value) for key, value in told.items() if key.endswith(("MIN_ISR", "MIN_INSYNC_REPLICAS"))}
        assert in_sync == {"2" if environment else "1"}
    assert len({broker["volumes"][0] for broker in cluster.values()}) == len(cluster)


def test_health_is_asked_at_the_ports_that_are_set():
    assert SERVICES["gateway"]["healthcheck"]["test"][-2:] == [LOUPAN["LOUPAN_PORT"], "/readyz"]
    assert SERVICES["worker"]["healthcheck"]["test"][-2:] == [LOUPAN["LOUPAN_METRICS_PORT"], "/healthz"]
    assert SERVICES["gateway"]["ports"] == ["127.0.0.1:{0}:{0}".format(LOUPAN["LOUPAN_PORT"])]


# The image.

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
INSTRUCTIONS = [
    line.split(maxsplit=1) for line in re.sub(r"^#.*\n|\\\n", "", DOCKERFILE, flags=re.MULTILINE).splitlines() if line
]
LAST_STAGE = INSTRUCTIONS[max(at for at, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM"):]


def lint(dockerfile: str) -> subprocess.CompletedProcess[str]:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint is None:
        pytest.skip("hadolint is not here; it has no wheel for this system")
    return subprocess.run([hadolint, "-"], input=dockerfile, capture_output=True, text=True, check=False)


def test_the_dockerfile_passes_hadolint():
    answer = lint(DOCKERFILE)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(("line", "rule"), [
    ("FROM python:latest", "DL3007"), ("RUN pip install loupan", "DL3013"), ("CMD loupan serve", "DL3025"),
    ("RUN apt-get update && apt-get install -y curl=8.*", "DL3009"), ("RUN cd /tmp", "DL3003"),
])
def test_hadolint_finds_what_it_is_there_for(line: str, rule: str):
    answer = lint(line if line.startswith("FROM") else f"FROM python:3.13.13-slim\n{line}\n")
    assert rule in answer.stdout


def test_every_stage_begins_from_one_pinned_image():
    images = {what.split()[0] for word, what in INSTRUCTIONS if word == "FROM"}
    assert len(images) == 1
    assert all(map(is_pinned, images))


def test_the_image_runs_as_a_numbered_user_that_is_not_root():
    user = [what for word, what in LAST_STAGE if word == "USER"][-1]
    uid, gid = map(int, user.split(":"))
    assert uid >= 10_000
    assert gid >= 10_000
    for service in SERVICES.values():
        if "build" in service:
            assert f"/var/lib/loupan:uid={uid},gid={gid},mode=0700" in service["tmpfs"]


def test_the_image_is_started_without_a_shell_and_can_be_asked_for_its_health():
    last = {word: what for word, what in LAST_STAGE if word in {"CMD", "ENTRYPOINT", "HEALTHCHECK"}}
    assert json.loads(last["CMD"])
    assert json.loads(last["ENTRYPOINT"])
    assert json.loads(last["HEALTHCHECK"].split(" CMD ", 1)[1])


def test_the_image_is_made_of_what_the_lock_pins_and_nothing_else():
    runs = " ".join(what for word, what in INSTRUCTIONS if word == "RUN")
    assert not [word for word, _ in INSTRUCTIONS if word == "ADD"]
    assert not re.search(r"curl|wget|apt-get|https?:", runs)
    for command in re.findall(r"pip (?:wheel|(?:--python \S+ )?install) [^&]*", runs):
        assert {"--require-hashes", "--no-index", "--no-deps"} & set(command.split())
    assert "wheel" not in " ".join(what for _, what in LAST_STAGE)


def is_in_the_image(path: str) -> bool:
    """Whether .dockerignore lets a file through: it shuts all out, then lets some in."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert lines[1] == "*"
    let_in = [line.removeprefix("!") for line in lines if line.startswith("!")]
    return any(path == known or path.startswith(f"{known}/") for known in let_in)


def test_what_the_dockerfile_copies_is_there_and_reaches_the_engine():
    copied = [what.split() for word, what in INSTRUCTIONS if word == "COPY" and "--from" not in what]
    sources = {word for words in copied for word in words[:-1] if not word.startswith("--")}
    assert sources >= {"schemas", "maps", "agents", "streams", "requirements.lock"}
    assert [path for path in sources if not (ROOT / path).exists() or not is_in_the_image(path)] == []


# The scripts.


def test_the_entry_point_hands_the_secret_to_libpq_and_becomes_the_command(tmp_path: Path):
    secret, passwords = tmp_path / "secret", tmp_path / "pgpass"
    secret.write_text("a:b\\c\n")
    answer = subprocess.run(
        ["/bin/sh", str(FOLDER / "entrypoint.sh"), "echo", "two words"], capture_output=True, text=True, check=True,
        env={"POSTGRES_PASSWORD_FILE": str(secret), "PGPASSFILE": str(passwords), "PATH": "/usr/bin:/bin"},
    )
    assert answer.stdout == "two words\n"
    assert passwords.read_text() == "*:*:*:*:a\\:b\\\\c\n"
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600


def test_the_entry_point_does_not_start_without_the_secret_that_it_was_promised(tmp_path: Path):
    answer = subprocess.run(
        ["/bin/sh", str(FOLDER / "entrypoint.sh"), "echo", "started"], capture_output=True, text=True, check=False,
        env={"POSTGRES_PASSWORD_FILE": str(tmp_path / "none"), "PGPASSFILE": str(tmp_path / "pgpass"),
             "PATH": "/usr/bin:/bin"},
    )
    assert answer.returncode != 0
    assert answer.stdout == ""


def test_secrets_are_made_once_and_never_again(tmp_path: Path):
    script = shutil.copy(FOLDER / "make-secrets.sh", tmp_path)
    made = []
    for _ in range(2):
        subprocess.run(["/bin/sh", script], check=True)
        made.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    assert made[0] == made[1]
    assert made[0].keys() == PROJECT["secrets"].keys()
    assert all(re.fullmatch(r"[A-Za-z0-9]{40}", password) for password in made[0].values())
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


# What is measured.


def read_yaml(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


PROMETHEUS = read_yaml("prometheus.yml")
ALERTS = [rule for group in read_yaml("alerts.yml")["groups"] for rule in group["rules"]]
DASHBOARDS = {path.name: json.loads(path.read_text("utf-8")) for path in (FOLDER / "grafana/dashboards").glob("*.json")}
PANELS = [panel for dashboard in DASHBOARDS.values() for panel in dashboard["panels"]]
CHARTS = [panel for panel in PANELS if panel["type"] != "row"]
TARGETS = [target for panel in CHARTS for target in panel["targets"]]
QUERIES = sorted({rule["expr"] for rule in ALERTS} | {target["expr"] for target in TARGETS})
GROUPING = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"
every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])
every_chart = pytest.mark.parametrize("panel", CHARTS, ids=lambda panel: f"panel-{panel['id']}")


def series_of(query: str) -> set[str]:
    """The series that a query names: each word that is no function, label, range, offset or operator."""
    bare = re.sub(r'"[^"]*"', "", query)
    bare = re.sub(rf"\{{[^}}]*\}}|\[[^\]]*\]|\boffset\s+\w+|{GROUPING}", " ", bare)
    return set(re.findall(r"(?<![\w:])([A-Za-z_:][\w:]*)(?![\w:]*\s*\()", bare)) - {"and", "or", "unless", "bool"}


def labels_of(query: str) -> set[str]:
    """The labels that a query matches or groups by."""
    matched = re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', query)
    return {*matched, *grouped_by(query)}


def grouped_by(query: str) -> set[str]:
    return {label.strip() for group in re.findall(GROUPING, query) for label in group.split(",") if label.strip()}


def test_a_querys_series_and_labels_are_read():
    query = 'histogram_quantile(0.9, sum by (le, step) (rate(a_bucket{job="x"}[5m]))) > 0 and max(b offset 5m) or up'
    assert series_of(query) == {"a_bucket", "b", "up"}
    assert labels_of(query) == {"le", "step", "job"}


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_asks_for_what_is_measured(query: str):
    series = series_of(query)
    assert series
    assert series <= SERIES.keys()
    assert labels_of(query) <= {"job"}.union(*(SERIES[name] for name in series))


def test_every_metric_is_shown():
    shown = set().union(*(series_of(target["expr"]) for target in TARGETS))
    assert {name for name in METRICS if not any(series.startswith(name) for series in shown)} == set()


@every_chart
def test_every_legend_tells_by_its_labels_the_lines_apart_that_its_query_keeps_apart(panel: dict[str, Any]):
    for target in panel["targets"]:
        told = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        outermost = re.findall(GROUPING, target["expr"])[:1]
        assert panel["type"] == "stat" or told == set(re.findall(r"\w+", "".join(outermost))) - {"le"}


@every_alert
def test_every_alert_says_how_urgent_it_is_and_what_to_do(alert: dict[str, Any]):
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert all(" · " in alert["annotations"][key] for key in ("summary", "description"))
    told = set(re.findall(r"\$labels\.(\w+)", str(alert["annotations"])))
    assert told <= grouped_by(alert["expr"])


def test_gateway_and_every_worker_are_scraped_by_name():
    near = set(SERVICES["prometheus"]["networks"])
    found = {}
    for job in PROMETHEUS["scrape_configs"]:
        for place in job.get("dns_sd_configs", []):
            assert all(near & set(SERVICES[name]["networks"]) for name in place["names"])
            assert place["type"] == "A"
            found[job["job_name"]] = str(place["port"])
    assert found == {"gateway": LOUPAN["LOUPAN_PORT"], "worker": LOUPAN["LOUPAN_METRICS_PORT"]}


def test_what_prometheus_and_grafana_read_is_mounted_where_they_look():
    mounted = {target: (ROOT / source).resolve() for name in ("prometheus", "grafana")
               for source, target in volumes_of(SERVICES[name])}
    for rules in PROMETHEUS["rule_files"]:
        assert mounted[f"/etc/prometheus/{rules}"] == FOLDER / rules
    assert "--config.file=/etc/prometheus/prometheus.yml" in SERVICES["prometheus"]["command"]
    assert mounted["/etc/prometheus/prometheus.yml"] == FOLDER / "prometheus.yml"
    assert mounted["/etc/grafana/provisioning"] == FOLDER / "grafana/provisioning"
    provider = read_yaml("grafana/provisioning/dashboards/loupan.yml")["providers"][0]
    dashboards = mounted[provider["options"]["path"]]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (dashboards / Path(home).name).is_file()


SOURCE = read_yaml("grafana/provisioning/datasources/prometheus.yml")["datasources"][0]


def test_the_datasource_is_the_prometheus_of_the_compose_file():
    host = re.fullmatch(r"http://(\w+):9090", SOURCE["url"])
    assert host
    assert set(SERVICES[host[1]]["networks"]) & set(SERVICES["grafana"]["networks"])


@every_chart
def test_every_chart_has_the_datasource_a_unit_and_a_word_of_explanation(panel: dict[str, Any]):
    provisioned = {"type": SOURCE["type"], "uid": SOURCE["uid"]}
    assert panel["datasource"] == provisioned
    assert all(target["datasource"] == provisioned for target in panel["targets"])
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["description"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: f"panel-{panel['id']}")
def test_every_title_is_chinese_first_and_english_second(panel: dict[str, Any]):
    chinese, english = panel["title"].split(" · ")
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert english.isascii()


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=list(DASHBOARDS))
def test_no_panel_lies_on_another(dashboard: dict[str, Any]):
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_the_metrics_that_are_watched_are_those_that_the_program_has(tmp_path):
    from prometheus_client import CollectorRegistry

    from streams.kafka.figures import Figures
    from streams.kafka.measures import Measures
    from streams.kafka.watching import Seen
    from tests.streams.gateway_world import World

    seen = Seen()
    seen.lag["placement", "group-events", 0] = 1
    registry = CollectorRegistry()
    registry.register(Figures(lambda: seen))
    world = World(tmp_path)
    found = {
        family.name: {name for sample in family.samples for name in sample.labels}
        for source in (registry, Measures().registry, world.app.state.gateway.measures.registry)
        for family in source.collect()}
    world.close()
    assert set(found) >= {name.removesuffix("_total") for name in METRICS}
    assert found["loupan_partition_lag"] == METRICS["loupan_partition_lag"]
