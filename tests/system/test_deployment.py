"""Compose file, manifests and image, as far as they can be checked without an engine."""

import importlib
import importlib.util
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import REGISTRY

import run_server
from domain.settings import Settings
from telemetry import exposition

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {name.upper() for name in Settings.model_fields}
OTHERS_OWN = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "REDIS_PASSWORD"}
GRAFANAS_OWN = re.compile(r"GF_[A-Z_]+")
METRIC = re.compile(r"\b([a-z]+(?:_[a-z]+)+)\b(?=\s*[{\[)]|\s*$|\s+[<>=])")
PROBED = {
    "server": {"/health/live", "/health/ready", "/health/accepting"},
    "worker": {"/health/live", "/health/ready"},
}
LATER = ("_bucket", "_count", "_sum", "_total")


def manifests(kind: str = "") -> list[dict[str, Any]]:
    """Of all files, in the order of their names."""
    texts = [path.read_text() for path in sorted((ROOT / "deploy/k8s").glob("*.yaml"))]
    found = [manifest for text in texts for manifest in yaml.safe_load_all(text)]
    return [manifest for manifest in found if kind in ("", manifest["kind"])]


def containers() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each with its pod."""
    pods = [deployment["spec"]["template"]["spec"] for deployment in manifests("Deployment")]
    return [(pod, container) for pod in pods for container in pod["containers"]]


def all_containers() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Those too that run before."""
    pods = [pod for pod, _ in containers()]
    return containers() + [(pod, one) for pod in pods for one in pod.get("initContainers", [])]


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_every_setting_of_the_compose_file_exists() -> None:
    for name, service in compose()["services"].items():
        named = {one for one in service.get("environment", {}) if not GRAFANAS_OWN.fullmatch(one)}
        assert named <= SETTINGS | OTHERS_OWN, name


def test_the_compose_file_demands_its_secrets() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "JWT_SECRET", "ENCRYPTION_KEY"):
        assert f"${{{name}:?" in text
        assert f"${{{name}}}" not in text


def test_grafana_does_not_start_with_a_password_that_everybody_knows() -> None:
    grafana = compose()["services"]["grafana"]
    shell, flag, script = (part.replace("$$", "$") for part in grafana["entrypoint"])
    tried = script.replace("exec /run.sh", "echo started")
    for password, told in (("", "set GRAFANA_PASSWORD"), ("a long one", "started")):
        environment = {"GF_SECURITY_ADMIN_PASSWORD": password}
        done = subprocess.run([shell, flag, tried], env=environment, capture_output=True, text=True)
        assert (done.stdout.strip(), done.returncode == 0) == (told, told == "started")


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
    told = manifests("ConfigMap")[0]["data"]
    slowest = max(int(told["DRAIN_SECONDS"]), Settings.model_fields["job_stop_seconds"].default)
    assert [pod["terminationGracePeriodSeconds"] > slowest for pod, _ in containers()] == [True, True]


def test_a_container_outlasts_the_time_that_a_server_gives_its_processes() -> None:
    server = compose()["services"]["server"]
    given = Settings.model_fields["drain_seconds"].default + run_server.STOP_GRACE_SECONDS
    assert int(server["stop_grace_period"].removesuffix("s")) > given


def test_a_server_goes_when_nobody_sends_it_anything_any_more() -> None:
    told = manifests("ConfigMap")[0]["data"]
    for pod, container in containers():
        if container["name"] == "server":
            command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
            assert command == "sleep"
            spared = pod["terminationGracePeriodSeconds"] - int(seconds) - int(told["DRAIN_SECONDS"])
            assert spared >= run_server.STOP_GRACE_SECONDS


def test_no_probe_ends_a_migration() -> None:
    (server,) = [pod for pod, container in containers() if container["name"] == "server"]
    (migrating,) = server["initContainers"]
    module = migrating["command"][2]
    assert importlib.util.find_spec(module) is not None
    assert migrating["image"] == server["containers"][0]["image"]
    assert migrating["envFrom"] == server["containers"][0]["envFrom"]


def test_pods_may_do_nothing_that_they_need_not() -> None:
    for pod, container in all_containers():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        allowed = container["securityContext"]
        assert allowed["readOnlyRootFilesystem"] is True
        assert allowed["allowPrivilegeEscalation"] is False
        assert allowed["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]


def test_every_probe_asks_an_address_and_a_port_that_are_there() -> None:
    for _, container in containers():
        ports = {port["name"] for port in container["ports"]}
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[kind]["httpGet"]
            assert asked["port"] in ports
            assert asked["path"] in PROBED[container["name"]], asked


def test_an_outage_of_a_store_takes_no_server_out_of_service() -> None:
    (server,) = [container for _, container in containers() if container["name"] == "server"]
    asked = {server[kind]["httpGet"]["path"] for kind in ("livenessProbe", "readinessProbe")}
    assert asked == {"/health/live", "/health/accepting"}


def test_every_deployment_is_scaled_kept_and_fenced() -> None:
    names = {deployment["metadata"]["name"] for deployment in manifests("Deployment")}
    for scaler in manifests("HorizontalPodAutoscaler"):
        assert scaler["spec"]["minReplicas"] >= 2
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in manifests("HorizontalPodAutoscaler")}
    fenced = {one["metadata"]["name"] for one in manifests("NetworkPolicy")}
    kept = {one["metadata"]["name"] for one in manifests("PodDisruptionBudget")}
    assert scaled == fenced == kept == names
    assert not any("replicas" in one["spec"] for one in manifests("Deployment")), "the scalers say how many"


def test_whatever_selects_pods_finds_some() -> None:
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in manifests("Deployment")]
    wanted = [one["spec"]["selector"] for one in manifests("Service")]
    wanted += [one["spec"]["selector"]["matchLabels"] for one in manifests("PodDisruptionBudget")]
    wanted += [one["spec"]["podSelector"]["matchLabels"] for one in manifests("NetworkPolicy")]
    for labels in wanted:
        assert any(labels.items() <= pod.items() for pod in pods), labels


def test_the_fence_lets_in_the_ports_that_are_served_and_no_others() -> None:
    for policy in manifests("NetworkPolicy"):
        (container,) = [one for _, one in containers() if policy["metadata"]["name"].endswith(one["name"])]
        open_ports = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        assert open_ports == {port["containerPort"] for port in container["ports"]}
        assert all("from" in rule for rule in policy["spec"]["ingress"])


def test_metrics_are_scraped_where_strangers_do_not_come() -> None:
    inside = manifests("ConfigMap")[0]["data"]["METRICS_PORT"]
    server = manifests("Deployment")[0]["spec"]["template"]
    assert server["metadata"]["annotations"]["prometheus.io/port"] == inside
    (service,) = manifests("Service")
    assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]


def test_every_setting_of_the_manifests_exists() -> None:
    for told in manifests("ConfigMap"):
        assert set(told["data"]) <= SETTINGS
    for _, container in containers():
        assert {entry["name"] for entry in container.get("env", [])} <= SETTINGS


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    text = (ROOT / "deploy/grafana/dashboards/anonymous-support.json").read_text()
    found: list[dict[str, Any]] = json.loads(text)["panels"]
    return found


def exported() -> set[str]:
    """Every name a scrape can show."""
    for module in ("api.metrics", "realtime.metrics", "workers.metrics", "workers.relay", "db.push.services"):
        importlib.import_module(module)
    names = {family.name for family in REGISTRY.collect()} | {exposition.UP}
    return names | {name + more for name in names for more in LATER}


def test_every_metric_of_the_alerts_exists_and_every_alert_says_what_to_do() -> None:
    for rule in rules():
        used = set(METRIC.findall(rule["expr"]))
        assert used, rule["alert"]
        assert used <= exported(), rule["alert"]
        assert rule["annotations"]["summary"].endswith(".")


def test_every_metric_of_the_dashboard_exists() -> None:
    for panel in panels():
        for target in panel["targets"]:
            used = set(METRIC.findall(target["expr"]))
            assert used, panel["title"]
            assert used <= exported(), panel["title"]


def test_panels_do_not_lie_on_each_other() -> None:
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in panels()]
    assert len(set(places)) == len(places)
    assert len({one["id"] for one in panels()}) == len(places)


def test_prometheus_asks_where_metrics_are_served() -> None:
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    targets = {one["job_name"]: one["static_configs"][0]["targets"] for one in scraped}
    services = compose()["services"]
    assert targets == {
        "server": [f"server:{services['server']['environment']['METRICS_PORT']}"],
        "worker": [f"worker:{services['worker']['environment']['WORKER_PORT']}"],
    }


def test_every_file_that_is_mounted_is_there() -> None:
    for service in compose()["services"].values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), source
