"""Checks of loadtest/: that it measures, compares and cleans up. Never how fast anything is."""

import importlib.machinery
import importlib.util
import json
import os

from common import DEPLOY, WORK, check, free_port, log_of, run, start, stop, wait_for

PROGRAM = DEPLOY / "loadtest/sluice-load"
KINDS = {"list", "by key", "filter", "aggregate"}


def check_parts():
    """The arithmetic, and what is taken for a good answer."""
    loader = importlib.machinery.SourceFileLoader("sluice_load", str(PROGRAM))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("sluice_load", loader))
    loader.exec_module(module)
    times, more = module.Times(), module.Times()
    for i in range(1, 1001):
        (times if i % 2 else more).add(i / 1000)
    times.merge(more)
    shares = [times.share_s(0.5), times.share_s(0.99), times.share_s(1)]
    check("sluice-load counts times within two percent", all(
        abs(found / wanted - 1) < 0.02 for found, wanted in zip(shares, [0.5, 0.99, 1.0])), shares)
    good = [("list", 200, b'{"data":{"x":[]}}'), ("known", 304, b""),
            ("upload", 200, b'{"job":{"status":"SUCCEEDED"}}')]
    bad = [("list", 200, b'{"errors":[{}]}'), ("list", 200, b'{"data":null,"errors":[{}]}'),
           ("list", 304, b""), ("list", 502, b"<html>"), ("known", 200, b'{"data":{}}'),
           ("upload", 202, b'{"job":{"status":"RUNNING"}}'), ("insert", 500, b'{"errors":[{}]}')]
    check("sluice-load knows a good answer from a bad one",
          all(module.is_good(*one) for one in good) and not any(module.is_good(*one) for one in bad))
    soak = {"scenarios": {"soak": {"all": {"answered": 9, "failed": 1}, "memoryGrowth": 1.5,
                                   "seconds": 3600}}}
    check("sluice-load tells failures, and memory that grows",
          len(module.problems_of(soak, 1.3)) == 2 and len(module.problems_of(soak, 1.6)) == 1)


def doctored(report, *, times, rate, path):
    """A report in which everything took so long, and so much was answered."""
    changed = json.loads(json.dumps(report))
    for result in changed["scenarios"].values():
        for row in [*result["requests"].values(), result["all"]]:
            row.update(p50Ms=times, p95Ms=times, perSecond=rate)
    path.write_text(json.dumps(changed))
    return path


def run_all(binary):
    check_parts()
    port, data = free_port(), WORK / "load-data"
    env = {"PATH": os.environ["PATH"], "SLUICE_DATA_DIR": str(data), "SLUICE_RATE_LIMIT": "off",
           "SLUICE_LISTEN": f"127.0.0.1:{port}", "SLUICE_PLAYGROUND": "off"}
    data.mkdir()
    _, told = run(binary, "keys", "create", "--admin", "--name", "load", env=env)
    key = next((line for line in told.splitlines() if line.startswith("slu_")), "none")
    url = f"http://127.0.0.1:{port}"
    with_key = {"PATH": os.environ["PATH"], "SLUICE_KEY": key}
    server = start("load-server", binary, "serve", env=env)
    is_up = wait_for("readiness", lambda: run("curl", "-sf", f"{url}/readyz")[0] == 0, 30)
    if not check("a server for the load starts", is_up, log_of("load-server")):
        return
    small = ("--rows", "300", "--upload-rows", "20", "--connections", "3", "--seconds", "2")
    scenarios = [word for name in ("expected", "uploads", "mixed", "soak") for word in ("--scenario", name)]
    report_file = WORK / "load.json"
    code, told = run(PROGRAM, url, *small, *scenarios, "--processes", "2", "--pid", server.pid,
                     "--json", report_file, env=with_key, timeout_s=120)
    is_good = check("sluice-load runs each of its scenarios", code == 0
                    and "sluice-load: all is well" in told, told)
    report = json.loads(report_file.read_text()) if report_file.exists() else {"scenarios": {}}
    found = {name: set(result["requests"]) for name, result in report["scenarios"].items()}
    mixed = KINDS | {"insert", "update"}
    check("with all kinds of requests", found.get("expected", set()) == KINDS | {"known"}
          and found["uploads"] == {"upload"} and mixed <= found["mixed"] and mixed <= found["soak"], found)
    told_of = ["memoryMostBytes", "serverProcessorSeconds", "serverFailures", "generatorShare"]
    check("and what the server took", is_good and all(
        name in result for result in report["scenarios"].values() for name in told_of), report)
    check("the soak tells of memory while it goes on", "  memory " in told and "descriptors" in told, told)
    _, body = run("curl", "-s", "-H", f"X-API-Key: {key}", "-H", "content-type: application/json", "-d",
                  '{"query": "{ datasets { name } }"}', f"{url}/graphql")
    check("sluice-load leaves nothing behind", body == '{"data":{"datasets":[]}}', body)
    if is_good:
        slow = doctored(report, times=1e6, rate=0.001, path=WORK / "slow.json")
        fast = doctored(report, times=1e-6, rate=1e9, path=WORK / "fast.json")
        again = ("--scenario", "expected", *small)
        code, told = run(PROGRAM, url, *again, "--compare", slow, env=with_key)
        check("sluice-load is content with what is faster than before",
              code == 0 and "p50Ms" in told and "  slower" not in told, told)
        code, told = run(PROGRAM, url, *again, "--compare", fast, env=with_key)
        check("and exits with 1 when it is slower", code == 1 and "  slower" in told, told)
        code, told = run(PROGRAM, url, *again, "--rate", "20", env=with_key)
        check("sluice-load keeps to a rate", code == 0 and "20 requests a second" in told, told)
    wrong = {**with_key, "SLUICE_KEY": "wrong"}
    codes = [run(PROGRAM, url, env={"PATH": os.environ["PATH"]})[0],
             run(PROGRAM, url, *small, env=wrong)[0],
             run(PROGRAM, "http://127.0.0.1:1", *small, env=with_key)[0],
             run(PROGRAM, url, *small, "--compare", WORK / "none.json", env=with_key)[0]]
    check("sluice-load exits with 2 without a key, a good key, a server, figures to compare with",
          codes == [2, 2, 2, 2], codes)
    stop(server, 60)
