"""Checks with the server running, behind each of the proxies in turn."""

import gzip
import json
import os
import pathlib
import re

import load
import monitoring
import pages
import upgrades
from client import Connection, WebSocket
from common import (DEPLOY, WORK, adapted, check, free_port, listens, log_of, run, skip, start, stop,
                    succeeds, wait_for)

MIB = 1 << 20
N_WRONG_KEYS = 25
# What a client writes itself is believed by nobody.
LIES = ("-H", "X-Forwarded-For: 198.51.100.1", "-H", "Forwarded: for=198.51.100.2")
CLIENT = "127.0.0.9"


class Server:
    """The program as install.sh sets it up, with a port and limits for this test."""

    def __init__(self, root):
        self.data = root / "var/lib/sluice"
        self.program = root / "usr/local/bin/sluice"
        self.port = free_port()
        self.settings = {
            "SLUICE_LISTEN": f"127.0.0.1:{self.port}",
            "MAX_UPLOAD_SIZE": "1023MiB",
            "SLUICE_RATE_FAILED_SIGN_INS": "1000/min",
        }
        env_file = root / "etc/sluice/sluice.env"
        with env_file.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in self.settings.items())
        self.env = {"PATH": os.environ["PATH"], "ADMIN_ENV_FILE": str(env_file),
                    "ADMIN_PROGRAM": str(self.program), "ADMIN_DATA_FOLDER": str(self.data)}
        self.admin = root / "usr/local/sbin/sluice-admin"

    def make_key(self, scope):
        code, told = run("setpriv", "--", self.admin, "keys", "create", "--scope", scope,
                         env=self.env)
        found = re.search(r"^slu_\S+$", told, re.M)
        check(f"sluice-admin makes a key of the scope {scope}", code == 0 and found, told)
        return found[0] if found else "none"

    def start(self):
        self.process = start("server", self.admin, "serve", env=self.env)
        return listens(self.port) and wait_for("readiness", self.is_ready)

    def is_ready(self):
        return ask(f"http://127.0.0.1:{self.port}/readyz")[0] == 200

    def spool_bytes(self):
        return size_of(self.data / "spool")


def size_of(folder):
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            pass
    return total


def ask(*arguments):
    """Status, headers and body of what curl is answered."""
    code, told = run("curl", "-4", "--silent", "--show-error", "--include", "--max-time", "30",
                     "--insecure", *arguments)
    while told.startswith("HTTP/") and " 100 " in told.split("\n")[0]:
        told = told.split("\n\n", 1)[-1]
    head, _, body = told.replace("\r", "").partition("\n\n")
    found = re.match(r"HTTP/[\d.]+ (\d+)", head)
    headers = [line.split(": ", 1) for line in head.split("\n")[1:] if ": " in line]
    return (int(found[1]) if found and code == 0 else 0,
            {name.lower(): value for name, value in headers}, body if found else told, head)


def query(url, key, text, *more):
    return ask("-H", f"X-API-Key: {key}", "-H", "content-type: application/json", *more, "-d",
               json.dumps({"query": text}), f"{url}/graphql")


# --- the proxies

def certificate():
    """A certificate for localhost that this test signs itself."""
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
        "/CN=localhost", "-addext", names, "-keyout", WORK / "key.pem", "-out", WORK / "cert.pem")
    both = (WORK / "cert.pem").read_text() + (WORK / "key.pem").read_text()
    (WORK / "both.pem").write_text(both)


def nginx(server, http, https):
    live = "/etc/letsencrypt/live/api.example.com"
    site = adapted(
        "nginx/sluice.conf", WORK / "nginx-site.conf",
        ("listen [::]:443 ssl http2;", ""), ("listen [::]:80;", ""),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{https} ssl http2;"),
        ("listen 80;", f"listen 127.0.0.1:{http};"),
        (f"{live}/fullchain.pem", WORK / "cert.pem"), (f"{live}/privkey.pem", WORK / "key.pem"),
        ("api.example.com", "localhost"), ("/var/log/nginx/sluice.log", WORK / "nginx-access.log"),
        ("127.0.0.1:8080", f"127.0.0.1:{server.port}"))
    temporary = WORK / "nginx-temporary"
    temporary.mkdir()
    kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    paths = "\n".join(f"{kind}_temp_path {temporary}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""
    whole = WORK / "nginx.conf"
    whole.write_text(f"daemon off; {user} pid {WORK}/nginx.pid; error_log stderr warn;\n"
                     f"events {{}}\nhttp {{ access_log off; {paths}\ninclude {site};\n}}\n")
    succeeds("nginx -t", "nginx", "-t", "-e", "stderr", "-c", whole)
    return ["nginx", "-e", "stderr", "-c", whole], WORK / "nginx-access.log", temporary


def apache(server, http, https):
    live = "/etc/letsencrypt/live/api.example.com"
    site = adapted(
        "apache/sluice.conf", WORK / "apache-site.conf",
        ("*:80>", f"*:{http}>"), ("*:443>", f"*:{https}>"),
        (f"{live}/fullchain.pem", WORK / "cert.pem"), (f"{live}/privkey.pem", WORK / "key.pem"),
        ("api.example.com", "localhost"), ("127.0.0.1:8080", f"127.0.0.1:{server.port}"))
    modules = ["mpm_event", "authz_core", "alias", "ssl", "socache_shmcb", "http2", "headers",
               "proxy", "proxy_http", "proxy_wstunnel", "reqtimeout", "deflate", "filter", "env"]
    loads = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
                      for name in modules)
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    whole = WORK / "apache.conf"
    whole.write_text(
        f"ServerRoot {WORK}\nServerName localhost\nDefine APACHE_LOG_DIR {WORK}\n"
        f"DefaultRuntimeDir {WORK}\nPidFile {WORK}/apache.pid\nErrorLog /dev/stderr\n"
        f"{loads}\n{user}\nListen 127.0.0.1:{http}\nListen 127.0.0.1:{https}\nInclude {site}\n")
    succeeds("apache2 -t", "apache2", "-t", "-f", whole)
    return ["apache2", "-D", "FOREGROUND", "-f", whole], WORK / "sluice.log", None


def caddy(server, http, https):
    site = adapted(
        "caddy/Caddyfile", WORK / "Caddyfile",
        ("{\n\tservers {", f"{{\n\tadmin off\n\tskip_install_trust\n\thttp_port {http}\n"
         f"\thttps_port {https}\n\tdefault_bind 127.0.0.1\n\tservers {{"),
        ("{$SITE_NAME:api.example.com} {", "localhost {\n\ttls "
         f"{WORK}/cert.pem {WORK}/key.pem"),
        ("{$SITE_LOG:/var/log/caddy/sluice.log}", WORK / "caddy-access.log"),
        ("{$SITE_UPSTREAM:127.0.0.1:8080}", f"127.0.0.1:{server.port}"))
    shipped = DEPLOY / "caddy/Caddyfile"
    env = dict(os.environ, HOME=str(WORK), SITE_LOG=str(WORK / "caddy-shipped.log"),
               XDG_DATA_HOME=str(WORK), XDG_CONFIG_HOME=str(WORK))
    succeeds("caddy validate", "caddy", "validate", "--adapter", "caddyfile", "--config", shipped,
             env=env)
    run("caddy", "fmt", "--overwrite", site, env=env)
    return (["env", f"HOME={WORK}", f"XDG_DATA_HOME={WORK}", f"XDG_CONFIG_HOME={WORK}", "caddy",
             "run", "--adapter", "caddyfile", "--config", site], WORK / "caddy-access.log", None)


def haproxy(server, http, https):
    whole = adapted(
        "haproxy/haproxy.cfg", WORK / "haproxy.cfg",
        ("/etc/haproxy/certs/sluice.pem", WORK / "both.pem"),
        ("bind :80\n", f"bind 127.0.0.1:{http}\n"), ("bind :443 ", f"bind 127.0.0.1:{https} "),
        ("log /dev/log local0", "log stdout format raw local0 info"),
        # One node that is there, and one that is not.
        ("10.0.0.11:8080", f"127.0.0.1:{server.port}"), ("10.0.0.12:8080", "127.0.0.1:1"))
    succeeds("haproxy -c", "haproxy", "-c", "-q", "-f", whole)
    return ["haproxy", "-db", "-f", whole], WORK / "haproxy.log", None


# --- what each of them has to let through, and what not

class Front:
    """A proxy that runs, and the server behind it."""

    def __init__(self, name, server, https, http, temporary, keys):
        self.name, self.server, self.temporary = name, server, temporary
        self.https, self.http, self.port = f"https://localhost:{https}", http, https
        self.admin, self.reader = keys

    def check(self, what, is_good, told=""):
        return check(f"{self.name}: {what}", is_good, told)

    def smoke_test(self, key, *more):
        env = {"PATH": os.environ["PATH"], "SLUICE_KEY": key}
        return run(DEPLOY / "smoke-test", "--cacert", WORK / "cert.pem", "--http-url",
                   f"http://localhost:{self.http}", *more, self.https, env=env)

    def upload_half(self, name, n_bytes):
        """Sends a large file and stops halfway, to see where the first half is; then the rest."""
        row = b"," + b"x" * 65_000 + b"\n"
        n_rows = n_bytes // len(row)
        lengths = [len(b"%d" % i) + len(row) for i in range(n_rows)]
        length = 8 + sum(lengths)
        headers = {"X-API-Key": self.admin, "Content-Length": length}
        with Connection(self.port, timeout_s=400) as connection:
            connection.ask("PUT", f"/upload/{name}?wait=300", headers, b"id,text\n")
            half = n_rows // 2
            for i in range(half):
                connection.send(b"%d" % i + row)
            sent = sum(lengths[:half])
            self.server_has = wait_for(
                "the first half", lambda: self.server.spool_bytes() >= sent - 2 * MIB, 8)
            kept = size_of(self.temporary) if self.temporary else 0
            for i in range(half, n_rows):
                connection.send(b"%d" % i + row)
            status, headers = connection.head()
            answer = json.loads(connection.body(headers))
        self.check(f"the server has the first half of {n_bytes // MIB} MiB before the rest is sent",
                   self.server_has)
        if self.temporary:
            kept += size_of(self.temporary)
            self.check("nothing of it is on the proxy's disk", kept == 0, f"{kept} bytes")
        self.check("the upload is loaded", status == 200
                   and answer["job"]["status"] == "SUCCEEDED"
                   and answer["dataset"]["rowCount"] == str(n_rows), answer)

    def run_all(self, upload_bytes):
        code, told = self.smoke_test(self.admin)
        self.check("the smoke test passes", code == 0, told)

        url = f"http://localhost:{self.http}/graphql?query=1"
        status, headers, _, told = ask(url)
        self.check("HTTP leads to the same address by HTTPS", status == 308
                   and re.fullmatch(r"https://localhost(:\d+)?/graphql\?query=1",
                                    headers.get("location", "")), told)
        _, told = run("curl", "-4", "-sk", "--http2", "-o", "/dev/null", "-w", "%{http_version}",
                      f"{self.https}/healthz")
        self.check("HTTP/2", told == "2", told)
        _, headers, _, told = ask(f"{self.https}/healthz")
        self.check("HSTS, once", told.lower().count("strict-transport-security: max-age=31536000")
                   == 1, told)

        self.check_sizes()
        self.check_address()
        self.check_gzip()
        self.check_live()
        self.upload_half("large", upload_bytes)
        query(self.https, self.admin, 'mutation { dropDataset(dataset: "large") { name } }')

        for _ in range(N_WRONG_KEYS):
            ask("--interface", CLIENT, "-H", "X-API-Key: wrong", "-T", "/dev/null",
                f"{self.https}/upload/orders?wait=1")
        # Refused, but not for a wrong key; nobody is kept out for these.
        for _ in range(3):
            query(self.https, self.reader, 'mutation { dropDataset(dataset: "gone") { name } }')
            ask(f"{self.https}/nothing/here%22%20401%201")

    def check_sizes(self):
        too_large = WORK / "too-large.csv"
        with too_large.open("wb") as file:
            file.truncate(1024 * MIB)
        for what, more in [("", ()), (", sent unasked", ("-H", "Expect:"))]:
            status, headers, body, _ = self.refused(
                "--http1.1", "-H", f"X-API-Key: {self.admin}", *more, "-T", too_large,
                f"{self.https}/upload/large")
            # Apache sends what it was sent before it looks for an answer.
            is_good = status == 413 and "x-request-id" in headers or (
                status == 502 and self.name == "apache" and more)
            self.check(f"413 of the server, for more than max_upload_size{what}", is_good,
                       f"{status} {headers} {body}")
        with too_large.open("wb") as file:
            file.truncate((1 << 30) + 1)
        status, headers, _, _ = self.refused("--http1.1", "-H", f"X-API-Key: {self.admin}", "-T",
                                             too_large, f"{self.https}/upload/large")
        # Caddy counts what arrives, and goes on to the server, which looks at the length.
        is_own = "x-request-id" not in headers or self.name == "caddy"
        self.check("413 of the proxy, for more than 1 GiB", status == 413 and is_own,
                   f"{status} {headers}")
        self.check("HSTS in that, too", "strict-transport-security" in headers, headers)
        large = WORK / "large.json"
        large.write_text(json.dumps({"query": "{ __typename }", "x": "y" * 2 * MIB}))
        status, _, body, _ = self.refused("-H", f"X-API-Key: {self.admin}", "-H",
                                          "content-type: application/json", "-d", f"@{large}",
                                          f"{self.https}/graphql")
        self.check("413 of the server, for JSON over max_body_size", status == 413, body)

    def refused(self, *arguments):
        """The answer to a body that is refused while it is sent, which Caddy 2.6 cuts off now and
        then."""
        for _ in range(20 if self.name == "caddy" else 1):
            answer = ask(*arguments)
            if answer[0] != 0:
                break
        return answer

    def check_address(self):
        request_id = f"address-{self.name}"
        query(self.https, self.admin, 'mutation { createKey(name: "test") { apiKey { prefix } } }',
              "--interface", CLIENT, "-H", f"X-Request-Id: {request_id}", *LIES)
        asked = f'{{ auditLog(where: {{requestId: {{_eq: "{request_id}"}}}}) {{ address }} }}'
        # The audit log is written beside the request.
        wait_for("the audit log", lambda: "address" in query(
            self.https, self.admin, asked)[2].replace("auditLog", ""), 5)
        _, _, body, _ = query(self.https, self.admin, asked)
        found = json.loads(body)["data"]["auditLog"]
        self.check("the server knows the client's address, whatever headers it sends",
                   found == [{"address": CLIENT}], body)

    def check_gzip(self):
        rows = "".join(f"{i},label {i}\n" for i in range(200))
        file = WORK / "rows.csv"
        file.write_text("id,label\n" + rows)
        ask("-H", f"X-API-Key: {self.admin}", "-T", file, f"{self.https}/upload/rows?wait=30")
        text = json.dumps({"query": "{ rows(limit: 200) { id label } }"}).encode()
        headers = {"X-API-Key": self.admin, "Content-Type": "application/json"}
        with Connection(self.port) as connection:
            connection.ask("POST", "/graphql", headers, text)
            _, told = connection.head()
            plain = connection.body(told)
            packed_headers = {**headers, "Accept-Encoding": "gzip"}
            connection.ask("POST", "/graphql", packed_headers, text)
            _, told = connection.head()
            packed = connection.body(told)
            tag = told.get("etag", "")
            self.check("answers are compressed once, by the server",
                       told.get("content-encoding") == "gzip" and tag.endswith('-gzip"')
                       and gzip.decompress(packed) == plain and len(plain) > 4_000, told)
            connection.ask("POST", "/graphql", {**packed_headers, "If-None-Match": tag}, text)
            status, told = connection.head()
            self.check("a tag that is sent back gets 304", status == 304, f"{status} {told}")

    def check_live(self):
        asked = "subscription { rowsAggregate { aggregate { count } } }"

        def count(message):
            return message["data"]["rowsAggregate"]["aggregate"]["count"]

        def insert(i):
            body = query(self.https, self.admin, 'mutation { insertRows(objects: '
                         f'[{{id: {i}, label: "new"}}]) {{ affectedRows }} }}')[2]
            if '"affectedRows":1' not in body:
                raise AssertionError(body)

        headers = {"X-API-Key": self.admin, "Content-Type": "application/json",
                   "Accept": "text/event-stream"}
        try:
            with Connection(self.port, timeout_s=5) as connection:
                connection.ask("POST", "/graphql", headers, json.dumps({"query": asked}).encode())
                connection.head()
                first = count(connection.event())
                insert(1_000)
                second = count(connection.event())
            self.check("events come as they happen (SSE)", second == first + 1)
        except (OSError, EOFError, AssertionError, KeyError, ValueError) as error:
            self.check("events come as they happen (SSE)", False, repr(error))
        try:
            with WebSocket(self.port) as socket:
                told = f"{socket.status} {socket.headers}"
                self.check("a WebSocket opens", socket.status == 101, told)
                socket.tell({"type": "connection_init",
                             "payload": {"authorization": f"Bearer {self.admin}"}})
                is_in = socket.hear()["type"] == "connection_ack"
                socket.tell({"id": "1", "type": "subscribe", "payload": {"query": asked}})
                first = count(socket.hear()["payload"])
                insert(2_000)
                second = count(socket.hear()["payload"])
            self.check("subscriptions answer by it", is_in and second == first + 1)
        except (OSError, EOFError, AssertionError, KeyError, ValueError) as error:
            self.check("subscriptions answer by it", False, repr(error))


def check_fail2ban(name, log):
    """The filter finds every refused key in a log that was written just now, and nothing else."""
    lines = log.read_text(errors="replace").splitlines()
    if name == "haproxy":
        # As syslog writes it down.
        lines = [f"Jan  1 00:00:00 host haproxy[1]: {line}" for line in lines]
    text = WORK / f"{name}-fail2ban.log"
    text.write_text("\n".join(lines) + "\n")
    refused = [line for line in lines if re.search(r'" 401 \d|"status":401\b', line)]
    leaks = [line for line in lines if "wait=" in line or "wrong" in line or "X-Api-Key" in line]
    check(f"{name}: its log holds no query string and no key", not leaks, "\n".join(leaks))
    code, told = run("fail2ban-regex", "--out", "ip", text, DEPLOY / "fail2ban/filter.d/sluice.conf")
    found = told.split()
    check(f"{name}: fail2ban finds all {len(refused)} refused keys, and nothing else",
          code == 0 and len(found) == len(refused) and found.count(CLIENT) == N_WRONG_KEYS, told)


def check_health(server):
    env = {"PATH": os.environ["PATH"], "SLUICE_LISTEN": f"0.0.0.0:{server.port}"}
    succeeds("the health check of the image, with a server", DEPLOY / "docker/healthcheck", env=env)
    env["SLUICE_LISTEN"] = "0.0.0.0:1"
    check("and without one", run(DEPLOY / "docker/healthcheck", env=env)[0] != 0)


def check_copy(server):
    """A backup beside the running server, and back into an empty folder, as RUNBOOK.md has it."""
    url = f"http://127.0.0.1:{server.port}"
    text = "{ rows(limit: 1000) { id label } datasets { name rowCount } }"
    if not check("the server starts again with its data", server.start(), log_of("server")):
        return
    pages.check_questions(lambda text: query(url, server.key, text)[2])
    if run(server.program, "backup", "--help")[0] == 0:
        check_backup(server, lambda: query(url, server.key, text)[2])
    else:
        skip("a backup and its restoration", "this program makes none")
    stop(server.process, 110)
    with open(server.env["ADMIN_ENV_FILE"], "a") as file:
        file.write(f"API_KEY_SALT={os.urandom(32).hex()}\n")
    if check("the server starts with another API_KEY_SALT", server.start(), log_of("server")):
        check("another API_KEY_SALT ends every key", not knows(server))
        server.key = server.make_key("admin")
        check("and new ones can be made", knows(server))
    stop(server.process, 110)


def check_backup(server, asked):
    def admin(*arguments):
        # The file of 1 GiB that was uploaded is in the archive, too.
        return run(server.admin, *arguments, env=server.env, timeout_s=600)

    before, copies, parent = asked(), WORK / "copies", server.data.parent
    code, told = admin("backup", "--to", copies)
    archive = told.splitlines()[0] if told else ""
    check("a backup beside the running server", code == 0 and archive.startswith(str(copies)), told)
    code, told = admin("verify", archive)
    check("which is whole, from its start to its end", code == 0 and "is whole" in told, told)
    code, told = admin("drill", archive)
    check("a drill restores it, compares, and leaves nothing", code == 0
          and "can be restored" in told and not list(server.data.glob("*drill*")), told)
    query(f"http://127.0.0.1:{server.port}", server.key,
          'mutation { insertRows(objects: [{id: 5000, label: "after"}]) { affectedRows } }')
    code, told = admin("restore", archive)
    check("a restoration over what is there is refused", code != 0 and "holds data" in told, told)
    stop(server.process, 110)
    server.data.rename(parent / "damaged")
    server.data.mkdir(mode=0o700)
    half = WORK / "half.tar.zst"
    half.write_bytes(pathlib.Path(archive).read_bytes()[:-2_000])
    code, told = admin("restore", half)
    check("a damaged archive is refused, and leaves nothing",
          code != 0 and "damaged" in told and not list(server.data.iterdir()), told)
    code, told = admin("restore", archive, "--dry-run")
    check("a dry run tells what would be done, and does nothing",
          code == 0 and "would be restored" in told and not list(server.data.iterdir()), told)
    code, told = admin("restore", archive)
    check("which is restored into an empty folder", code == 0 and "is restored into" in told, told)
    if check("the server starts with the copy", server.start(), log_of("server")):
        after = asked()
        check("and answers what it answered before", after == before and '"label":"new"' in after,
              f"{before[:200]}\n{after[:200]}")
        check("to the same keys", knows(server))


def knows(server):
    address = f"http://127.0.0.1:{server.port}/schema.graphql"
    return ask("-H", f"X-API-Key: {server.key}", address)[0] == 200


def check_system_calls(server):
    """Whatever the program asked of the kernel during a smoke test, the unit lets it ask."""
    unit = (DEPLOY / "systemd/sluice.service").read_text()
    allowed = set()
    for sign, group in re.findall(r"^SystemCallFilter=(~?)(@[a-z-]+)", unit, re.M):
        calls = expand(group)
        allowed = allowed - calls if sign else allowed | calls
    trace = WORK / "trace"
    server.process = start("traced", "strace", "-f", "-qq", "-o", trace, server.admin, "serve",
                           env=server.env)
    if not wait_for("readiness", server.is_ready):
        check("the traced server starts", False, log_of("traced"))
        return
    env = {"PATH": os.environ["PATH"], "SLUICE_KEY": server.key}
    run(DEPLOY / "smoke-test", f"http://127.0.0.1:{server.port}", env=env)
    run("pkill", "-TERM", "-P", server.process.pid)
    server.process.wait(60)
    lines = trace.read_text(errors="replace")
    # From where the program itself begins: what is before is the shell of sluice-admin.
    begin = lines.rfind(f'execve("{server.program}"')
    asked = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", lines[begin:], re.M))
    # fchown and execve: as root alone, and by the test's own shell.
    refused = asked - allowed - {"execve"} - ({"fchown"} if os.geteuid() == 0 else set())
    check(f"the unit allows the {len(asked)} system calls that the program makes",
          len(asked) > 40 and not refused, refused)
    families = set(re.findall(r"socket\((AF_[A-Z0-9]+)", lines[begin:]))
    given = set(re.search(r"^RestrictAddressFamilies=(.*)$", unit, re.M)[1].split())
    check("and its kinds of sockets", families and families <= given, families)


def expand(group):
    _, told = run("systemd-analyze", "syscall-filter", "--no-pager", group)
    calls = set()
    for word in re.findall(r"^ +(@?[a-z_0-9-]+)$", told, re.M):
        calls |= expand(word) if word.startswith("@") else {word}
    return calls


def check_booted(binary):
    """The unit under a systemd of its own, where the machine lets one boot."""
    _, told = run(DEPLOY / "test/boot", binary, timeout_s=180)
    for line in told.splitlines():
        if line.startswith(("pass  ", "FAIL  ")):
            check(line[6:], line.startswith("pass"))
        else:
            print(line, flush=True)


def run_all(root, binary):
    certificate()
    server = Server(root)
    server.key = server.make_key("admin")
    keys = (server.key, server.make_key("read"))
    if not check("the server starts with what install.sh wrote", server.start(), log_of("server")):
        return
    greeting = log_of("server")
    check("it takes every setting as one, and prints no key", "slu_" not in greeting
          and "no setting" not in greeting, greeting)
    check_health(server)
    for name, make in [("nginx", nginx), ("apache", apache), ("caddy", caddy), ("haproxy", haproxy)]:
        http, https = free_port(), free_port()
        command, log, temporary = make(server, http, https)
        proxy = start(name, *command)
        is_up = listens(https) and wait_for(
            f"{name} to find the server", lambda: ask(f"https://localhost:{https}/readyz")[0] == 200)
        if check(f"{name}: it stands before the server", is_up, log_of(name)):
            front = Front(name, server, https, http, temporary, keys)
            front.run_all(1022 * MIB if name == "nginx" else 64 * MIB)
            if name == "nginx":
                check_smoke_test_fails(front)
                monitoring.check_probe(front)
        stop(proxy)
        if is_up:
            check_fail2ban(name, log)
        (WORK / "sluice.log").unlink(missing_ok=True)
    monitoring.check_prometheus(server, ask)
    check("the server stops in time, by itself", stop(server.process, 110) == 0)
    check_copy(server)
    check_system_calls(server)
    upgrades.run_all(binary)
    load.run_all(binary)
    check_booted(binary)


def check_smoke_test_fails(front):
    for what, key, more in [("a wrong key", "wrong", ()), ("a key that may only read", front.reader, ()),
                            ("no redirect", front.admin, ("--http-url", front.https))]:
        code, told = front.smoke_test(key, *more)
        check(f"the smoke test fails with {what}", code == 1 and "FAIL" in told, told)
    env = {"PATH": os.environ["PATH"], "SLUICE_KEY": front.admin}
    code, told = run(DEPLOY / "smoke-test", "http://127.0.0.1:1", env=env)
    check("the smoke test fails with nothing there", code == 1, told)
    check("the smoke test wants an address and a key", run(
        DEPLOY / "smoke-test", env=env)[0] == 2 and run(
            DEPLOY / "smoke-test", "http://127.0.0.1:1", env={"PATH": os.environ["PATH"]})[0] == 2)
    body = query(front.https, front.admin, "{ datasets { name } }")[2]
    check("the smoke test leaves nothing behind", "smokeTest" not in body, body)
