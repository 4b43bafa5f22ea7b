"""Checks of monitoring/: every alert fires and stays quiet when it should, and every expression of
alerts and dashboard asks for numbers that the running server tells, by a real Prometheus."""

import json
import os
import re
import urllib.parse

import yaml

from common import DEPLOY, WORK, check, free_port, has, listens, log_of, run, skip, start, stop, \
    succeeds, wait_for

FOLDER = DEPLOY / "monitoring"
# Told after it has happened.
LATER = {"sluice_backup_last_failure_timestamp_seconds"}
# Told by exporters; the same names are in their documentation.
OF_OTHERS = {
    "up", "probe_success", "probe_duration_seconds", "probe_ssl_earliest_cert_expiry",
    "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes", "node_cpu_seconds_total",
    "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "node_systemd_unit_state",
    "node_timex_offset_seconds",
}


def rules():
    """All rules, with the file that each is in."""
    for path in sorted(FOLDER.glob("*-alerts.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield path, rule


def dashboard():
    """Title and expression of all questions of the dashboard."""
    board = json.loads((FOLDER / "sluice-dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            expr = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
            yield panel["title"], expr
    for annotation in board["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


# --- without a server

def check_rules():
    succeeds("promtool check rules", "promtool", "check", "rules", *FOLDER.glob("*-alerts.yml"))
    sections = re.findall(r"^## (.+)$", (DEPLOY / "RUNBOOK.md").read_text(), re.M)
    for path, rule in rules():
        labels, told = rule["labels"], rule["annotations"]
        is_good = (set(labels) == {"severity", "topic"} and labels["severity"] in ("page", "ticket")
                   and told["runbook"] in sections and "summary" in told)
        if not is_good:
            check(f"{path.name}: {rule['alert']} has severity, topic and a section of the runbook",
                  False, rule)
    listed = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["rule_files"]
    check("prometheus.yml has all files of rules",
          sorted(listed) == sorted(path.name for path in FOLDER.glob("*-alerts.yml")), listed)


def check_alerts():
    """Each alert is quiet at one time and fires at another, by promtool's own evaluation."""
    worlds = yaml.safe_load((DEPLOY / "test/alerts.yml").read_text())
    known = {rule["alert"]: rule for _, rule in rules()}
    check("every alert has a test that it fires, and none is left over", set(worlds) == set(known),
          set(worlds) ^ set(known))
    rule_files = [str(path) for path in sorted(FOLDER.glob("*-alerts.yml"))]
    for name in sorted(set(worlds) & set(known)):
        world, rule = worlds[name], known[name]
        first = next(iter(world["series"]))
        labels = world.get("labels", dict(re.findall(r'(\w+)="([^"]*)"', first)))
        annotations = {
            key: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: str(labels.get(found[1], "")), text)
            for key, text in rule["annotations"].items()
        }
        fired = {"exp_labels": {**labels, **rule["labels"]}, "exp_annotations": annotations}
        times = [("quiet", []), ("fires", [fired]), ("over", [])]
        test = {
            "interval": world.get("interval", "1m"),
            "input_series": [{"series": series, "values": str(values)}
                             for series, values in world["series"].items()],
            "alert_rule_test": [
                {"alertname": name, "eval_time": world[when], "exp_alerts": alerts}
                for when, alerts in times if when in world
            ],
        }
        file = WORK / f"{name}.yml"
        file.write_text(yaml.safe_dump({"rule_files": rule_files, "tests": [test],
                                        "evaluation_interval": world.get("interval", "1m")}))
        is_whole = "quiet" in world and "fires" in world
        code, told = run("promtool", "test", "rules", file)
        check(f"the alert {name} fires when it should, and not before", is_whole and code == 0, told)


def check_routes():
    config = FOLDER / "alertmanager.yml"
    succeeds("amtool check-config alertmanager.yml", "amtool", "check-config", config)
    for severity, receiver in [("page", "pager"), ("ticket", "tickets"), ("", "tickets")]:
        _, told = run("amtool", "config", "routes", "test", f"--config.file={config}",
                      f"--verify.receivers={receiver}", f"severity={severity}", "alertname=Any")
        check(f"an alert of severity \"{severity}\" reaches {receiver}",
              receiver in told.splitlines() and "WARNING" not in told, told)
    alertmanager = yaml.safe_load(config.read_text())
    kinds = {kind for receiver in alertmanager["receivers"] for kind in receiver if kind != "name"}
    check("by mail, Slack and PagerDuty",
          kinds == {"email_configs", "slack_configs", "pagerduty_configs"}, kinds)
    # A secret that stands in the file itself is one that is copied around.
    check("and no secret stands in the file", not re.search(
        r"^\s*-?\s*(smtp_auth_password|slack_api_url|api_url|routing_key|service_key|auth_password):",
        config.read_text(), re.M))
    topics = {}
    for _, rule in rules():
        topics.setdefault(rule["labels"]["topic"], set()).add(rule["labels"]["severity"])
    check("a page silences the tickets of its topic", {"severity=\"page\""} == {
        matcher for rule in alertmanager["inhibit_rules"] for matcher in rule["source_matchers"]
        if "topic" in rule["equal"]} and {"page", "ticket"} in topics.values())
    targets = " ".join(matcher for rule in alertmanager["inhibit_rules"]
                       for matcher in rule["source_matchers"] + rule["target_matchers"])
    named = set(re.findall(r"Sluice[A-Z]\w*", targets.replace("Sluice(", "")))
    check("rules that silence name alerts that exist",
          named <= {rule["alert"] for _, rule in rules()}, named)


def check_configs():
    succeeds("promtool check config prometheus.yml", "promtool", "check", "config", "--syntax-only",
             FOLDER / "prometheus.yml")
    blackbox = FOLDER / "blackbox.yml"
    succeeds("blackbox_exporter takes blackbox.yml", "prometheus-blackbox-exporter",
             f"--config.file={blackbox}", "--config.check")
    asked = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    modules = {module for job in asked for module in job.get("params", {}).get("module", [])}
    check("prometheus.yml asks for modules that it has",
          modules and modules <= set(yaml.safe_load(blackbox.read_text())["modules"]), modules)
    # Each expression of the dashboard as a rule, which promtool parses.
    file = WORK / "dashboard-rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": [
        {"record": f"dashboard:{i}", "expr": expr} for i, (_, expr) in enumerate(dashboard())]}]}))
    succeeds("promtool parses every expression of the dashboard", "promtool", "check", "rules", file)
    board = json.loads((FOLDER / "sluice-dashboard.json").read_text())
    ids = [panel["id"] for panel in board["panels"]]
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in board["panels"]]
    fits = all(p["gridPos"]["x"] + p["gridPos"]["w"] <= 24 for p in board["panels"])
    check("the dashboard's panels have ids and places of their own",
          len(set(ids)) == len(ids) and len(set(places)) == len(places) and fits)
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(board))) - {"__rate_interval", "__all"}
    given = {variable["name"] for variable in board["templating"]["list"]}
    check("and every variable that they use", used == given, used ^ given)


def check_notice():
    """Who is told of a failed unit, and how often."""
    notice, folder, told = FOLDER / "sluice-notice", WORK / "notice", WORK / "mail"
    folder.mkdir()
    sendmail = folder / "sendmail"
    sendmail.write_text(f"#!/bin/sh\ncat >>{told}\n")
    sendmail.chmod(0o755)
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "NOTICE_MAIL": "operators@example.com",
           "RUNTIME_DIRECTORY": str(folder / "stamps")}
    code, said = run(notice, "sluice-backup.service", env=env)
    mail = told.read_text() if told.exists() else ""
    check("sluice-notice tells of a unit by mail", code == 0 and "To: operators@example.com" in mail
          and "Subject: sluice-backup.service failed on " in mail, said + mail)
    run(notice, "sluice-backup.service", env=env)
    run(notice, "sluice.service", env=env)
    subjects = re.findall(r"^Subject: (\S+)", told.read_text(), re.M)
    check("once an hour, each unit", subjects == ["sluice-backup.service", "sluice.service"], subjects)
    env = {**env, "NOTICE_MAIL": "", "NOTICE_WEBHOOK": "http://127.0.0.1:1/secret"}
    code, said = run(notice, "other.service", env=env)
    check("and fails, without the webhook's address in its words, when nobody can be told",
          code == 1 and "secret" not in said, said)


# --- with a server

def names_in(expr):
    """Numbers that an expression asks for, and the labels that it gives each."""
    text = re.sub(r"\b(by|without|on|ignoring) \([^)]*\)", "", expr)
    for name, labels in re.findall(r"\b([a-z_][A-Za-z_]*)(?:\{([^}]*)\})?(?![\w(]| *\()", text):
        if "_" in name or name == "up":
            yield name, re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', labels)


def check_names(text):
    """Every name is one that the server tells, with labels and values that it has."""
    told = {}
    for line in text.splitlines():
        if found := re.match(r"(\w+)(?:\{(.*)\})? ", line):
            labels = told.setdefault(found[1], {})
            for label, value in re.findall(r'(\w+)="([^"]*)"', found[2] or ""):
                labels.setdefault(label, set()).add(value)
    added = {"job", "instance", "deployment"}
    wrong, n_names = [], 0
    asked = [(rule["alert"], rule["expr"]) for _, rule in rules()] + list(dashboard())
    for what, expr in asked:
        for name, matchers in names_in(expr):
            n_names += 1
            if name in OF_OTHERS or name in LATER - set(told):
                continue
            if name not in told:
                wrong.append(f"{what}: {name}")
            for label, sign, value in matchers:
                if label in added or name not in told:
                    continue
                values = told[name].get(label, set())
                # Codes and states are told when they happened.
                is_there = label in ("code", "status") and name != "sluice_http_requests_total"
                if label not in told[name] or (sign == "=" and not is_there and value not in values):
                    wrong.append(f"{what}: {name} has no {label}=\"{value}\"")
    check(f"alerts and dashboard ask for what the server tells ({n_names})",
          n_names > 50 and not wrong, "\n".join(wrong))
    shown = {name for _, expr in dashboard() for name, _ in names_in(expr)}
    missing = {name for name in told if name.startswith("sluice_")} - shown - {
        "sluice_operation_seconds_sum"}
    check("the dashboard shows every number of the server", not missing, missing)


def check_prometheus(server, ask):
    """A Prometheus with the shipped files, at the server of this test."""
    ask("-H", f"X-API-Key: {server.key}", "-H", "content-type: application/json", "-d",
        '{"query": "{ nothing }"}', f"http://127.0.0.1:{server.port}/graphql")
    run(server.admin, "backup", "--to", WORK / "first-copy", env=server.env, timeout_s=600)
    check_names(ask("-H", f"Authorization: Bearer {server.key}",
                    f"http://127.0.0.1:{server.port}/metrics")[2])
    if not has("prometheus"):
        skip("Prometheus with the shipped files", "there is no prometheus")
        return
    folder, port, blackbox_port = WORK / "prometheus", free_port(), free_port()
    folder.mkdir()
    (folder / "sluice.key").write_text(server.key)
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"].update(scrape_interval="1s", evaluation_interval="1s")
    config["rule_files"] = [str(FOLDER / name) for name in config["rule_files"]]
    del config["alerting"]
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    jobs["sluice"].update(scheme="http", static_configs=[{"targets": [f"127.0.0.1:{server.port}"]}])
    jobs["sluice"]["authorization"]["credentials_file"] = str(folder / "sluice.key")
    jobs["sluice-probe"]["static_configs"] = [{"targets": [f"http://127.0.0.1:{server.port}/readyz"]}]
    jobs["sluice-probe"]["relabel_configs"][-1]["replacement"] = f"127.0.0.1:{blackbox_port}"
    config["scrape_configs"] = [jobs["sluice"], jobs["sluice-probe"]]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    plain = (FOLDER / "blackbox.yml").read_text()
    (folder / "blackbox.yml").write_text(plain.replace("fail_if_not_ssl: true", "fail_if_not_ssl: false"))
    blackbox = start("blackbox", "prometheus-blackbox-exporter",
                     f"--config.file={folder}/blackbox.yml",
                     f"--web.listen-address=127.0.0.1:{blackbox_port}")
    prometheus = start(
        "prometheus", "prometheus", f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}")

    def value(expr):
        """What Prometheus answers: the results, or what is wrong."""
        query = urllib.parse.urlencode({"query": expr})
        body = ask(f"http://127.0.0.1:{port}/api/v1/query?{query}")[2]
        try:
            answer = json.loads(body)
        except ValueError:
            return body
        return answer["data"]["result"] if answer["status"] == "success" else answer["error"]

    def holds(expr):
        found = value(expr)
        return isinstance(found, list) and found != []

    is_up = listens(port) and wait_for(
        "some answers of the server", lambda: holds("sum_over_time(up{job='sluice'}[1m]) > 3"), 30)
    if check("Prometheus reads the server by prometheus.yml", is_up, log_of("prometheus")):
        wrong, empty = [], []
        for title, expr in dashboard():
            found = value(expr)
            # Within its first minutes, a program is new; a share of nothing is not a number.
            if not isinstance(found, list):
                wrong.append(f"{title}: {found}")
            elif not found and not any(name in LATER for name, _ in names_in(expr)):
                empty.append(f"{title}: {expr}")
        check("it answers every question of the dashboard", not wrong and not empty,
              "\n".join(wrong + empty))
        wrong = [f"{rule['alert']}: {found}" for _, rule in rules()
                 if not isinstance(found := value(rule["expr"]), list)]
        check("and every expression of the alerts", not wrong, "\n".join(wrong))
        is_probed = wait_for("the probe", lambda: holds("probe_success == 1"), 15)
        check("the probe of blackbox.yml finds the server ready", is_probed, log_of("blackbox"))
        firing = value('ALERTS{alertstate="firing"}')
        check("no alert fires at a server that is well", firing == [], firing)
        jobs_file = ask(f"http://127.0.0.1:{port}/api/v1/targets")[2]
        check("and no key is told", server.key not in jobs_file)
    stop(prometheus)
    stop(blackbox)


def check_probe(front):
    """sluice-probe before a proxy whose certificate is good for two days."""
    probe = FOLDER / "sluice-probe"
    trusted = ("--cacert", WORK / "cert.pem", "--attempts", "1")
    succeeds("sluice-probe: all is well", probe, *trusted, "--days", "1", front.https)
    code, told = run(probe, *trusted, front.https)
    check("sluice-probe: a certificate that ends soon", code == 1
          and "FAIL  its certificate ends on" in told and "pass  https" in told, told)
    code, told = run(probe, "--attempts", "1", "--days", "1", front.https)
    check("sluice-probe: a certificate of nobody", code == 1 and "is not ready" in told, told)
    code, told = run(probe, "--attempts", "2", "--pause", "0", "http://127.0.0.1:1")
    check("sluice-probe: nothing there", code == 1 and "is not ready" in told, told)
    check("sluice-probe: no address", run(probe)[0] == 2)


def run_still():
    check_rules()
    check_alerts()
    check_routes()
    check_configs()
    check_notice()
