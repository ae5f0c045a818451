# SPDX-License-Identifier: MIT
"""The examples for containers fit the daemon: their settings, ports, paths, users and times. `make check-oci13` builds
the images and runs them."""

import json
import re

import pytest
import yaml

import tokens
from containerfile import instructions
from daemon import ROOT, run, write_config
from waiting import wait_until

CONTAINERFILE = f"{ROOT}/conf/oci/Containerfile"
COMPOSE = f"{ROOT}/conf/oci/compose.yaml"
FLEET = f"{ROOT}/conf/fleet/compose.yaml"
MANIFESTS = f"{ROOT}/conf/kubernetes/p0f-lookupd.yaml"
LISTEN = "P0F_LOOKUPD_HTTP_LISTEN"


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def _last_stage():
    """The instructions after the last FROM, by keyword."""
    stage = {}
    for keyword, rest in instructions(_read(CONTAINERFILE)):
        stage = {} if keyword == "FROM" else {**stage, keyword: rest}
    return stage


def _stop_timeout_s():
    """For how long the unit lets the daemon wait for p0f."""
    return int(re.search(r"^TimeoutStopSec=(\d+)s?$", _read(f"{ROOT}/systemd/p0f-lookupd.service"), re.MULTILINE)[1])


@pytest.fixture(name="compose")
def _compose():
    return yaml.safe_load(_read(COMPOSE))["services"]


@pytest.fixture(name="manifests")
def _manifests():
    """By kind and name, each of which is there once."""
    documents = list(yaml.safe_load_all(_read(MANIFESTS)))
    named = {(document["kind"], document["metadata"]["name"]): document for document in documents}
    assert len(named) == len(documents)
    return named


@pytest.fixture(name="pod")
def _pod(manifests):
    return manifests["DaemonSet", "p0f-lookupd"]["spec"]["template"]["spec"]


@pytest.fixture(name="container")
def _container(pod):
    [container] = pod["containers"]
    return container


@pytest.fixture(name="check")
def _check(scratch):
    """check(environment): -t with these variables and no settings else."""
    nothing = write_config(f"{scratch}/empty.conf", {})
    return lambda environment: run("-t", "-c", nothing, extra_environment=environment)


def _environment(container):
    return {variable["name"]: variable["value"] for variable in container["env"]}


def test_the_image(compose, pod):
    stage = _last_stage()
    assert json.loads(stage["ENTRYPOINT"]) == ["/usr/sbin/p0f-lookupd"]
    assert re.search(r"CMD (\[.*\])$", stage["HEALTHCHECK"])[1] == '["/usr/sbin/p0f-lookupd", "health"]'
    assert stage["STOPSIGNAL"] == "SIGTERM"
    user, group = map(int, stage["USER"].split(":"))
    assert user > 0
    security = pod["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["runAsNonRoot"]) == (user, group, True)
    # The directory of p0f's socket is for that group.
    assert f"install -d -m 0750 -g {group} /run/p0f" in _read(CONTAINERFILE)
    assert compose["p0f"]["build"]["target"] == "p0f"


def test_settings(compose, container, check):
    assert compose["p0f-lookupd"]["environment"] == _environment(container)
    checked = check(_environment(container))
    assert (checked.returncode, checked.stderr) == (0, "")


def test_times_to_stop(compose, pod):
    longest = _stop_timeout_s()
    assert int(compose["p0f-lookupd"]["stop_grace_period"].removesuffix("s")) > longest
    assert pod["terminationGracePeriodSeconds"] > longest
    assert int(re.search(r"podman stop -t (\d+)", _read(CONTAINERFILE))[1]) > longest


def test_the_directory_of_the_socket_is_shared(compose, manifests):
    p0f, daemon = compose["p0f"], compose["p0f-lookupd"]
    assert p0f["volumes"] == ["p0f:/run/p0f"] and daemon["volumes"] == ["p0f:/run/p0f:ro"]
    volumes = []
    for name in ("p0f", "p0f-lookupd"):
        pod = manifests["DaemonSet", name]["spec"]["template"]["spec"]
        [mounted] = pod["containers"][0]["volumeMounts"]
        [volume] = pod["volumes"]
        assert mounted["name"] == volume["name"] and mounted["mountPath"] == "/run/p0f"
        volumes.append(volume)
    assert volumes[0] == volumes[1]


@pytest.mark.parametrize("path", [COMPOSE, FLEET], ids=["oci", "fleet"])
def test_only_this_machine_can_connect(path):
    ports = [port for service in yaml.safe_load(_read(path))["services"].values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    assert len(set(ports)) == len(ports)


def test_hosts_of_a_fleet(compose, check):
    """Each is what is in oci/compose.yaml, but for what makes it one of several."""
    fleet = yaml.safe_load(_read(FLEET))
    services = fleet["services"]
    webs = [name for name in services if re.fullmatch(r"web\d", name)]
    assert len(webs) == 3
    for web in webs:
        p0f, daemon = services[f"{web}-p0f"], services[f"{web}-p0f-lookupd"]
        assert (p0f["network_mode"], daemon["hostname"]) == (f"service:{web}", web)
        assert (p0f["volumes"], daemon["volumes"]) == ([f"{web}:/run/p0f"], [f"{web}:/run/p0f:ro"])
        assert daemon["depends_on"] == [f"{web}-p0f", "store"] and web in fleet["volumes"]
        for mine, theirs in (p0f, compose["p0f"]), (daemon, compose["p0f-lookupd"]):
            own = ("network_mode", "hostname", "networks", "volumes", "depends_on", "ports", "environment")
            assert {key: value for key, value in mine.items() if key not in own} == \
                {key: value for key, value in theirs.items() if key not in own}
        environment = dict(daemon["environment"])
        server = environment.pop("P0F_LOOKUPD_SHARE_SERVER")
        assert environment == compose["p0f-lookupd"]["environment"]
        assert server == "redis://p0f-lookupd:${P0F_STORE_PASSWORD}@store:6379"
        checked = check({**environment,
                         "P0F_LOOKUPD_SHARE_SERVER": server.replace("${P0F_STORE_PASSWORD}", "ab12")})
        # The network between them has no way out.
        assert checked.returncode == 0 and checked.stderr.count("\n") == 1, checked
        assert "the password for store:6379 crosses the network in clear" in checked.stderr
    store = services["store"]
    assert "ports" not in store and store["networks"] == ["share"] and fleet["networks"]["share"]["internal"] is True
    assert store["cap_drop"] == ["ALL"] and store["read_only"] is True and int(store["user"].split(":")[0]) > 0


@pytest.mark.parametrize("name", ["p0f", "p0f-lookupd"])
def test_nothing_is_allowed_that_is_not_needed(compose, manifests, name):
    needed = ["NET_RAW"] if name == "p0f" else []
    service = compose[name]
    assert service["cap_drop"] == ["ALL"] and service.get("cap_add", []) == needed
    assert service["read_only"] is True and service["security_opt"] == ["no-new-privileges:true"]
    pod = manifests["DaemonSet", name]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False and pod["enableServiceLinks"] is False
    security = pod["containers"][0]["securityContext"]
    assert security["capabilities"]["drop"] == ["ALL"] and security["capabilities"].get("add", []) == needed
    assert security["readOnlyRootFilesystem"] is True and security["allowPrivilegeEscalation"] is False


def test_what_selects_the_pods(manifests):
    daemon = manifests["DaemonSet", "p0f-lookupd"]["spec"]
    labels = daemon["template"]["metadata"]["labels"]
    assert daemon["selector"]["matchLabels"] == labels
    assert manifests["Service", "p0f-lookupd"]["spec"]["selector"] == labels
    assert manifests["NetworkPolicy", "p0f-lookupd"]["spec"]["podSelector"]["matchLabels"] == labels
    assert manifests["DaemonSet", "p0f"]["spec"]["template"]["metadata"]["labels"] != labels


def test_ports(manifests, container):
    [port] = container["ports"]
    assert _environment(container)[LISTEN].endswith(f":{port['containerPort']}")
    [service] = manifests["Service", "p0f-lookupd"]["spec"]["ports"]
    [rule] = manifests["NetworkPolicy", "p0f-lookupd"]["spec"]["ingress"]
    used = [container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")]
    assert {service["targetPort"], *used, *(item["port"] for item in rule["ports"])} == {port["name"]}


def test_probes(fake, serve, container):
    live, ready = (container[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe"))
    environment = {name: value for name, value in _environment(container).items() if name != LISTEN}
    fake.hosts["192.0.2.1"] = {"os_name": "Linux"}
    with serve(fake, extra_environment=environment) as daemon:
        daemon.wait_for_p0f()
        assert (daemon.get(live).status, daemon.get(ready).status) == (200, 200)
        assert daemon.host("192.0.2.1").status == 200
        fake.stop()
        wait_until(lambda: daemon.get(ready).json()["status"] == "stale", "p0f to be missed")
        assert (daemon.get(live).status, daemon.get(ready).status) == (200, 200)


def test_the_readiness_probe_with_tokens(fake, serve, scratch):
    """The command in the comment."""
    made = tokens.write(f"{scratch}/tokens", "lookup", "metrics")
    program, command, url = re.search(r"exec: \{command: \[(.*)\]\}", _read(MANIFESTS))[1].split(", ")
    assert program == json.loads(_last_stage()["ENTRYPOINT"])[0]
    with serve(fake, {"http.token_file": f"{scratch}/tokens"}) as daemon:
        where = json.loads(url).replace("127.0.0.1:5030", "{}:{}".format(*daemon.endpoint))

        def probe(**environment):
            return run(command, where, extra_environment=environment).returncode
        wait_until(lambda: probe(P0F_LOOKUPD_TOKEN=made["metrics"]) == 0, "p0f to be reached")
        assert probe(P0F_LOOKUPD_TOKEN=made["lookup"]) == probe() == 1


def test_variables_that_kubernetes_makes_of_the_service(manifests, container, check):
    """In pods with service links, from the name of the service and those of its ports."""
    service = manifests["Service", "p0f-lookupd"]
    prefix = service["metadata"]["name"].upper().replace("-", "_")
    [port] = service["spec"]["ports"]
    number, name = port["port"], port["name"].upper()
    made = {"SERVICE_HOST": "10.0.0.1", "SERVICE_PORT": number, f"SERVICE_PORT_{name}": number,
            "PORT": f"tcp://10.0.0.1:{number}", f"PORT_{number}_TCP": f"tcp://10.0.0.1:{number}",
            f"PORT_{number}_TCP_PROTO": "tcp", f"PORT_{number}_TCP_PORT": number,
            f"PORT_{number}_TCP_ADDR": "10.0.0.1"}
    checked = check({**_environment(container), **{f"{prefix}_{key}": str(value) for key, value in made.items()}})
    assert (checked.returncode, checked.stderr) == (0, "")
