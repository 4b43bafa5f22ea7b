"""Checks of the shipped files that need no running server."""

import os
import pathlib
import re
import shutil
import stat

import monitoring
import pages
import yaml

from common import DEPLOY, WORK, adapted, check, has, run, skip, succeeds


def settings_of(binary):
    """Names, values and other names of all settings, as `sluice config` tells them."""
    empty = WORK / "empty"
    empty.mkdir(exist_ok=True)
    env = {"PATH": os.environ["PATH"]}
    _, told = run(binary, "config", cwd=empty, env=env)
    values, aliases = {}, set()
    for line in told.splitlines():
        if found := re.match(r"([a-z][a-z_.0-9]*) +(.*?) +default$", line):
            values[found[1]] = found[2]
        elif found := re.search(r"\((?:also )?((?:[A-Z_]+(?:, | or )?)+)\)$", line):
            aliases.update(re.split(", | or ", found[1]))
    return values, aliases


def scripts():
    """All shell scripts below deploy/."""
    found = []
    for path in sorted(DEPLOY.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                first = file.readline()
            if re.match(rb"#!.*\b(ba)?sh\b|# shellcheck shell=", first):
                found.append(path)
    return found


def check_scripts():
    for path in scripts():
        succeeds(f"shellcheck {path.relative_to(DEPLOY)}", "shellcheck", "--external-sources",
                 "--source-path=SCRIPTDIR", path)
        if path.suffix != ".sh" or path.parent == DEPLOY:
            check(f"{path.relative_to(DEPLOY)} can be run", os.access(path, os.X_OK))


def check_unit(binary, settings):
    folder = WORK / "unit"
    folder.mkdir()
    unit = adapted("systemd/sluice.service", folder / "sluice.service",
                   ("/usr/local/bin/sluice", pathlib.Path(binary).resolve()))
    succeeds("systemd-analyze verify sluice.service", "systemd-analyze", "verify", unit)
    # The threshold is ten times the score that systemd-analyze prints.
    succeeds("systemd-analyze security: exposure 2.0 or lower", "systemd-analyze", "security",
             "--offline=true", "--threshold=20", "--no-pager", unit)
    others = [path for path in sorted((DEPLOY / "systemd").iterdir()) if path.name != unit.name]
    for path in others:
        adapted(f"systemd/{path.name}", folder / path.name,
                *[(program, "/bin/true") for program in
                  ("/usr/local/bin/sluice-probe", "/usr/local/sbin/sluice-notice")
                  if program in path.read_text()],
                *[("/usr/local/bin/sluice ", f"{pathlib.Path(binary).resolve()} ")]
                * ("/usr/local/bin/sluice " in path.read_text()))
        # A notice is told about some unit.
        name = path.name.replace("@.", "@sluice.")
        if name != path.name:
            (folder / name).symlink_to(path.name)
        succeeds(f"systemd-analyze verify {path.name}", "systemd-analyze", "verify", folder / name)
    for name, most in [("sluice-backup.service", 20), ("sluice-probe.service", 20), ("sluice-notice@.service", 60)]:
        succeeds(f"systemd-analyze security {name}: exposure {most / 10} or lower", "systemd-analyze",
                 "security", "--offline=true", f"--threshold={most}", "--no-pager", folder / name)
    text = unit.read_text()
    grace_s = int(settings["shutdown_grace"].removesuffix("s"))
    given_s = int(re.search(r"^TimeoutStopSec=(\d+)s$", text, re.M)[1])
    check("the unit waits for requests, jobs and webhooks to end", given_s == grace_s + 30,
          f"TimeoutStopSec={given_s}, shutdown_grace={grace_s}")


def check_names(settings, aliases):
    """Every setting that a shipped file speaks of exists."""
    known = {f"SLUICE_{name.upper().replace('.', '_')}" for name in settings}
    known |= {"SLUICE_KEY", "SLUICE_URL", "SLUICE_CONFIG"}
    known |= {f"{name}_FILE" for name in known}
    unknown = set()
    for path in DEPLOY.rglob("*"):
        if path.is_file() and path.parent.name not in ("test", "__pycache__"):
            for name in re.findall(r"\bSLUICE_[A-Z_]*[A-Z]\b", path.read_text()):
                if name not in known:
                    unknown.add(f"{name} in {path.relative_to(DEPLOY)}")
    check("every SLUICE_ variable is a setting", not unknown, "\n".join(sorted(unknown)))
    used = {"SECRET_KEY", "API_KEY_SALT", "ALLOWED_HOSTS", "DATABASE_URL", "MAX_UPLOAD_SIZE"}
    told = "\n".join(sorted(used - aliases))
    # `sluice config` tells other names of settings that are no secrets in the same way.
    check("the names of the checklist are settings", used <= aliases, told)


def check_sizes(settings):
    check("max_upload_size is 1GiB", settings["max_upload_size"] == "1GiB")
    for name, wanted in {
        "nginx/sluice.conf": "client_max_body_size 1g;",
        "apache/sluice.conf": "-gt 1073741824 ",
        "caddy/Caddyfile": "max_size 1GiB",
        "haproxy/haproxy.cfg": "gt 1073741824 }",
    }.items():
        check(f"{name} takes bodies of that size", wanted in (DEPLOY / name).read_text())


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def check_compose():
    path = DEPLOY / "docker/compose.yaml"
    compose = documents(path)[0]
    services = compose["services"]
    check("compose.yaml: server, database, proxy",
          set(services) == {"sluice", "database", "proxy"})
    used = {"networks": set(), "volumes": set()}
    for service in services.values():
        used["networks"] |= set(service.get("networks", []))
        for volume in service.get("volumes", []):
            if not volume.startswith((".", "/")):
                used["volumes"].add(volume.split(":")[0])
    for kind, names in used.items():
        check(f"compose.yaml: all {kind} are declared", names == set(compose[kind]))
    check("compose.yaml: only the proxy can be reached", "ports" not in services["sluice"]
          and "ports" not in services["database"] and compose["networks"]["back"]["internal"])
    subnet = compose["networks"]["front"]["ipam"]["config"][0]["subnet"]
    check("compose.yaml: the proxy's network is trusted",
          services["sluice"]["environment"]["SLUICE_TRUSTED_PROXIES"] == subnet)
    secrets = re.findall(r"\$\{([A-Z_]+)", path.read_text())
    folder = WORK / "compose"
    folder.mkdir()
    shutil.copy(DEPLOY / "docker/make-env", folder)
    run(folder / "make-env", "api.example.com")
    env = folder / ".env"
    written = env.read_text()
    names = {line.split("=")[0] for line in written.splitlines()}
    check("make-env writes what compose.yaml asks for", names == set(secrets), names)
    check("make-env keeps it to its owner", stat.S_IMODE(env.stat().st_mode) == 0o600)
    run(folder / "make-env", "other.example.com")
    check("make-env changes nothing that is there", env.read_text() == written)
    if run("docker", "compose", "version")[0] == 0:
        succeeds("docker compose config", "docker", "compose", "--env-file", env, "-f", path,
                 "config", "--quiet")
    else:
        skip("docker compose config", "there is no docker compose")
    dockerfile = (DEPLOY / "docker/Dockerfile").read_text()
    last = dockerfile.split("\nFROM ")[-1]
    check("Dockerfile: no root, a health check, a signal to stop",
          "USER 10001:10001" in last and "HEALTHCHECK" in last and "STOPSIGNAL SIGTERM" in last)


def check_kubernetes():
    found = {}
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in documents(path):
            check(f"kubernetes/{path.name}: {document['kind']} is whole",
                  {"apiVersion", "kind"} <= set(document))
            found.setdefault(document["kind"], []).append(document)
    listed = found["Kustomization"][0]["resources"]
    check("kustomization.yaml lists files that are there",
          all((DEPLOY / "kubernetes" / name).is_file() for name in listed))
    nodes = found["StatefulSet"][0]["spec"]
    pod = nodes["template"]["spec"]
    container = pod["containers"][0]
    check("kubernetes: alive by /healthz, ready by /readyz",
          container["livenessProbe"]["httpGet"]["path"] == "/healthz"
          and container["readinessProbe"]["httpGet"]["path"] == "/readyz")
    inside = container["securityContext"]
    check("kubernetes: no root, no capability, nothing written but data",
          pod["securityContext"]["runAsNonRoot"] and inside["readOnlyRootFilesystem"]
          and inside["capabilities"]["drop"] == ["ALL"]
          and not inside["allowPrivilegeEscalation"])
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"] for volume in pod["volumes"]}
    claims = {claim["metadata"]["name"] for claim in nodes["volumeClaimTemplates"]}
    check("kubernetes: every volume is declared", mounts == volumes | claims)
    labels = nodes["template"]["metadata"]["labels"].items()
    selectors = [nodes["selector"]["matchLabels"], *(s["spec"]["selector"] for s in found["Service"]),
                 *(p["spec"]["selector"]["matchLabels"] for p in found["PodDisruptionBudget"]),
                 *(p["spec"]["podSelector"]["matchLabels"] for p in found["NetworkPolicy"])]
    check("kubernetes: every selector finds the pods", all(s.items() <= labels for s in selectors))


def check_logrotate():
    config = adapted("logrotate/sluice", WORK / "logrotate.conf",
                     ("/var/log/sluice/*.log", WORK / "rotated/*.log"), ("    su sluice sluice\n", ""))
    config.chmod(0o644)
    (WORK / "rotated").mkdir()
    code, told = run("logrotate", "--debug", "--state", WORK / "logrotate.state", config)
    check("logrotate takes logrotate/sluice", code == 0 and "error" not in told, told)


def check_firewall():
    if has("nft"):
        succeeds("nftables.conf is a ruleset", "nft", "-c", "-f",
                 DEPLOY / "firewall/nftables.conf")
    if has("sshd"):
        host_key = WORK / "host_key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key)
        succeeds("sshd-sluice.conf is one of sshd's", "sshd", "-t", "-h", host_key, "-f",
                 DEPLOY / "firewall/sshd-sluice.conf")
    else:
        skip("sshd -t", "there is no sshd")


def check_jail():
    """The jail and the filter among those of the distribution."""
    folder = WORK / "fail2ban"
    shutil.copytree("/etc/fail2ban", folder)
    shutil.copytree(DEPLOY / "fail2ban", folder, dirs_exist_ok=True)
    (folder / "jail.d/sshd.conf").write_text("[sshd]\nbackend = systemd\n")
    log = WORK / "log-of-nginx"
    log.touch()
    adapted("fail2ban/jail.d/sluice.conf", folder / "jail.d/sluice.conf",
            ("/var/log/nginx/sluice.log", log))
    succeeds("fail2ban takes the jail", "fail2ban-client", "-c", folder, "-t")
    text = (folder / "jail.d/sluice.conf").read_text()
    action = re.search(r"^banaction = (\S+)", text, re.M)[1]
    check("and knows what it does", (folder / f"action.d/{action}.conf").is_file(), action)


def parse_env(path):
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def check_install(binary):
    """install.sh below a root of its own, twice; an upgrade, a rollback, the end. Gives the
    environment that the service would have."""
    root = WORK / "root"
    install = DEPLOY / "install.sh"
    code, told = run(install, "--root", root, "--production", binary)
    check("install.sh --production asks for the name", code != 0 and "--host" in told, told)
    check("install.sh takes no other program", run(install, "--root", root, "/bin/true")[0] != 0)
    one = ("--root", root, "--production", "--host", "localhost", "--host", "127.0.0.1")
    succeeds("install.sh below a root", install, *one, binary)
    env_file = root / "etc/sluice/sluice.env"
    first = env_file.read_text()
    env = parse_env(env_file)
    check("install.sh writes the settings of production",
          env["SLUICE_ENV"] == "production" and env["ALLOWED_HOSTS"] == "localhost,127.0.0.1"
          and env["SLUICE_LISTEN"] == "127.0.0.1:8080", first)
    check("install.sh makes secrets that differ",
          len(env["SECRET_KEY"]) == len(env["API_KEY_SALT"]) == 64
          and env["SECRET_KEY"] != env["API_KEY_SALT"])

    def mode(path):
        return stat.S_IMODE((root / path).stat().st_mode)

    check("install.sh keeps secrets and data to their owners",
          (mode("etc/sluice"), mode("etc/sluice/sluice.env"), mode("var/lib/sluice"))
          == (0o750, 0o600, 0o700))
    check("install.sh installs the unit as it is shipped",
          (root / "etc/systemd/system/sluice.service").read_text()
          == (DEPLOY / "systemd/sluice.service").read_text())
    listen = root / "etc/systemd/system/sluice.socket.d/listen.conf"
    check("install.sh has the socket where the settings say",
          "\nListenStream=\nListenStream=127.0.0.1:8080\n" in listen.read_text(), listen.read_text())
    succeeds("install.sh a second time", install, *one, binary)
    check("which changes no secret and no setting", env_file.read_text() == first)
    previous = root / "usr/local/lib/sluice/sluice.previous"
    check("and keeps no previous program of the same bytes", not previous.exists())

    newer = WORK / "newer"
    shutil.copy(binary, newer)
    with newer.open("ab") as file:
        file.write(b"newer")
    program = root / "usr/local/bin/sluice"
    older_bytes, newer_bytes = program.stat().st_size, newer.stat().st_size
    run(install, *one, newer)
    check("an upgrade keeps the program before",
          (program.stat().st_size, previous.stat().st_size) == (newer_bytes, older_bytes))
    check("an upgrade changes no secret", env_file.read_text() == first)
    succeeds("rollback.sh", DEPLOY / "rollback.sh", "--root", root)
    check("which brings the program before back",
          (program.stat().st_size, previous.stat().st_size) == (older_bytes, newer_bytes))

    (root / "var/lib/sluice/kept").write_text("data")
    succeeds("uninstall.sh", DEPLOY / "uninstall.sh", "--root", root)
    check("which keeps data and secrets",
          (root / "var/lib/sluice/kept").exists() and env_file.read_text() == first
          and not program.exists())
    code, _ = run(DEPLOY / "uninstall.sh", "--root", root, "--purge", stdin="no\n")
    check("uninstall.sh --purge asks first", code != 0 and env_file.exists())
    succeeds("uninstall.sh --purge --yes", DEPLOY / "uninstall.sh", "--root", root, "--purge",
             "--yes")
    left = [path for path in root.rglob("*") if path.is_file() or path.name.startswith("sluice")]
    check("which leaves nothing", not left, left)
    url = WORK / "database-url"
    url.write_text("postgres://sluice:a&b$c'd@localhost/sluice\n")
    run(install, "--root", root, "--database-url-file", url, binary)
    check("install.sh takes the database's address from a file",
          parse_env(env_file)["DATABASE_URL"] == url.read_text().strip())
    admin = {"PATH": os.environ["PATH"], "ADMIN_ENV_FILE": str(env_file),
             "ADMIN_PROGRAM": str(program), "ADMIN_DATA_FOLDER": str(root / "var/lib/sluice")}
    _, told = run(root / "usr/local/sbin/sluice-admin", "config", env=admin)
    found = re.search(r"^database_url +(\S+)", told, re.M)
    check("sluice-admin gives it to the program as it stands",
          found and found[1] == "postgres://sluice:***@localhost/sluice", told)
    run(DEPLOY / "uninstall.sh", "--root", root, "--purge", "--yes")
    # Once more, for the server that the proxies stand before.
    run(install, *one, binary)
    return root


def run_all(binary):
    settings, aliases = settings_of(binary)
    check_scripts()
    check_unit(binary, settings)
    check_names(settings, aliases)
    check_sizes(settings)
    check_compose()
    check_kubernetes()
    check_logrotate()
    check_firewall()
    check_jail()
    monitoring.run_still()
    pages.check_names()
    pages.check_proofs()
    return check_install(binary)
