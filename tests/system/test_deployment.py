"""Compose file, manifests and image, as far as they can be checked without an engine."""

import importlib
import re
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import REGISTRY

from domain.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {name.upper() for name in Settings.model_fields}
STORES_OWN = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "REDIS_PASSWORD"}


def manifests() -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all((ROOT / "deploy/k8s/app.yaml").read_text()) if found]


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_every_setting_of_the_compose_file_exists() -> None:
    for name, service in compose()["services"].items():
        assert set(service.get("environment", {})) <= SETTINGS | STORES_OWN, name


def test_the_compose_file_demands_its_secrets() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "JWT_SECRET", "ENCRYPTION_KEY"):
        assert f"${{{name}:?" in text
        assert f"${{{name}}}" not in text


def test_every_service_has_a_health_check_or_the_images() -> None:
    assert "HEALTHCHECK" in (ROOT / "deploy/Dockerfile").read_text()
    services = compose()["services"]
    assert all("healthcheck" in services[name] for name in services if name != "server")


def test_the_image_copies_every_package_and_what_it_runs() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\S+) \1$", dockerfile, re.MULTILINE))
    assert copied == {"api", "db", "domain", "migrations", "realtime", "telemetry", "workers"}
    assert "USER 10001" in dockerfile


def test_pods_drain_before_they_are_killed() -> None:
    drain = int(next(m for m in manifests() if m["kind"] == "ConfigMap")["data"]["DRAIN_SECONDS"])
    for deployment in (m for m in manifests() if m["kind"] == "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["terminationGracePeriodSeconds"] > drain
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert {"livenessProbe", "readinessProbe"} <= set(container)


def test_metrics_are_scraped_where_strangers_do_not_come() -> None:
    inside = next(m for m in manifests() if m["kind"] == "ConfigMap")["data"]["METRICS_PORT"]
    server = next(m for m in manifests() if m["metadata"]["name"].endswith("-server"))["spec"]["template"]
    assert server["metadata"]["annotations"]["prometheus.io/port"] == inside
    service = next(m for m in manifests() if m["kind"] == "Service")
    assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]


def test_every_setting_of_the_manifests_exists() -> None:
    for manifest in manifests():
        if manifest["kind"] == "ConfigMap":
            assert set(manifest["data"]) <= SETTINGS
        if manifest["kind"] == "Deployment":
            for container in manifest["spec"]["template"]["spec"]["containers"]:
                assert {entry["name"] for entry in container.get("env", [])} <= SETTINGS


def test_every_metric_of_the_alerts_exists() -> None:
    for module in ("realtime.metrics", "workers.metrics", "workers.relay"):
        importlib.import_module(module)
    known = {name for family in REGISTRY.collect() for name in (family.name, f"{family.name}_total")}
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    used = {name for rule in rules for name in re.findall(r"\b([a-z]+(?:_[a-z]+)+)\b(?=[{\[])", rule["expr"])}
    assert used
    assert used <= known
