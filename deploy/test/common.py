"""What all checks share: one line a check, programs that end with the test, ports that are free."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
DEPLOY = HERE.parent

n_failed = 0
_running = []
WORK = pathlib.Path(tempfile.mkdtemp(prefix="sluice-deploy-"))


def check(name, is_good, told=""):
    """Prints the line of a check and counts it if it failed."""
    global n_failed
    print(f"{'pass ' if is_good else 'FAIL '} {name}", flush=True)
    if not is_good:
        n_failed += 1
        for line in str(told).strip().splitlines()[-20:]:
            print(f"       {line}", flush=True)
    return is_good


def skip(name, why):
    print(f"skip  {name}: {why}", flush=True)


def run(*command, timeout_s=60, env=None, cwd=None, stdin=None):
    """Runs a command to its end; gives its exit code and all that it said."""
    try:
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, errors="replace",
            timeout=timeout_s, cwd=cwd, input=stdin, env=env, check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, f"{command[0]} did not end within {timeout_s} s"
    return done.returncode, done.stdout + done.stderr


def succeeds(name, *command, **options):
    code, told = run(*command, **options)
    return check(name, code == 0, told)


def start(name, *command, env=None, cwd=None):
    """Starts a program that runs until the test ends; what it says goes into NAME.log."""
    log = open(WORK / f"{name}.log", "ab")
    process = subprocess.Popen(
        [str(part) for part in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        env=env, cwd=cwd, start_new_session=True,
    )
    _running.append(process)
    return process


def stop(process, timeout_s=20):
    """Asks a program to end, and its children after it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            pass
    try:
        # Its own session, so that nobody else's processes are in it.
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(timeout_s)
    if process in _running:
        _running.remove(process)
    return process.returncode


def end():
    for process in list(_running):
        stop(process)
    if n_failed:
        print(f"what programs said is in {WORK}")
    else:
        shutil.rmtree(WORK, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, timeout_s=20):
    """Waits until a condition holds; False if it never does."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    print(f"       waited {timeout_s} s for {what}", flush=True)
    return False


def listens(port):
    def connects():
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return wait_for(f"port {port}", connects)


def log_of(name):
    path = WORK / f"{name}.log"
    return path.read_text(errors="replace") if path.exists() else ""


def adapted(source, target, *changes):
    """A copy of a shipped file for this machine; each text that is changed has to be there."""
    text = (DEPLOY / source).read_text()
    for old, new in changes:
        if old not in text:
            raise AssertionError(f"{source} has no {old!r} any more")
        text = text.replace(old, str(new))
    target.write_text(text)
    return target


PACKAGES = {
    "nginx": "nginx",
    "apache2": "apache2",
    "haproxy": "haproxy",
    "caddy": "caddy",
    "fail2ban-regex": "fail2ban",
    "shellcheck": "shellcheck",
    "nft": "nftables",
    "strace": "strace",
    "curl": "curl",
    "openssl": "openssl",
    "systemd-analyze": "systemd",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
    "logrotate": "logrotate",
}


def install_what_is_missing():
    missing = sorted({package for tool, package in PACKAGES.items() if not has(tool)})
    if missing and os.geteuid() == 0:
        print(f"installing {' '.join(missing)}", flush=True)
        # Nothing is started by this, on any port.
        quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
        run("apt-get", "update", timeout_s=300, env=quiet)
        run("apt-get", "install", "--yes", "--no-install-recommends", *missing,
            timeout_s=600, env=quiet)


def has(tool):
    return shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None
