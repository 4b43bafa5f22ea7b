#!/usr/bin/env bash
# Installs a release binary as the service "sluice", or upgrades it. May be run again at any time:
# secrets and settings that are there stay as they are.
set -euo pipefail

usage() {
    cat <<'USAGE'
Usage: install.sh [OPTIONS] BINARY

  BINARY              the release binary, such as target/release/sluice

Options:
  --production        writes the settings of a server for strangers (needs --host)
  --host NAME         the name that clients call the server by; may be given several times
  --database-url-file FILE
                      a file with the line postgres://user:password@host/database
  --root DIR          installs below DIR, for packages and tests: makes no user, starts nothing
  --no-start          installs and enables, but starts nothing
  -h, --help          prints this

Installs
  /usr/local/bin/sluice            the program; the one before it stays in
  /usr/local/lib/sluice/           sluice.previous, for rollback.sh
  /usr/local/sbin/sluice-admin     runs the program as the service does: sluice-admin keys list
  /etc/sluice/sluice.env           settings and secrets, readable by root alone
  /var/lib/sluice                  the data, for the user "sluice" alone
  /etc/systemd/system/sluice.service
USAGE
}

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root='' binary='' hosts='' database_url_file='' is_production=0 starts=1

while [ $# -gt 0 ]; do
    case $1 in
        --production) is_production=1 ;;
        --host)
            [ $# -ge 2 ] || fail "--host needs a name"
            hosts="${hosts:+$hosts,}$2"
            shift
            ;;
        --database-url-file)
            [ $# -ge 2 ] || fail "--database-url-file needs a file"
            database_url_file=$2
            shift
            ;;
        --root)
            [ $# -ge 2 ] || fail "--root needs a folder"
            root=${2%/}
            shift
            ;;
        --no-start) starts=0 ;;
        -h | --help)
            usage
            exit 0
            ;;
        -*) fail "unknown option $1 (--help lists them)" ;;
        *)
            [ -z "$binary" ] || fail "one binary, please: $binary or $1?"
            binary=$1
            ;;
    esac
    shift
done

[ -n "$binary" ] || fail "no binary was named (--help tells more)"
if [ ! -f "$binary" ] || [ ! -x "$binary" ]; then
    fail "$binary is no program"
fi
version=$("$binary" --version) || fail "$binary does not run on this machine"
case $version in
    "sluice "*) ;;
    *) fail "$binary is not Sluice: it calls itself \"$version\"" ;;
esac
if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    fail "run it as root (sudo), or with --root DIR"
fi
if [ -n "$database_url_file" ] && [ ! -r "$database_url_file" ]; then
    fail "$database_url_file cannot be read"
fi

bin=$root/usr/local/bin/sluice
lib=$root/usr/local/lib/sluice
admin=$root/usr/local/sbin/sluice-admin
etc=$root/etc/sluice
env_file=$etc/sluice.env
data=$root/var/lib/sluice
unit=$root/etc/systemd/system/sluice.service

has() { [ -f "$env_file" ] && grep -q "^$1=" "$env_file"; }

if [ "$is_production" -eq 1 ] && [ -z "$hosts" ] && ! has ALLOWED_HOSTS; then
    fail "--production needs --host NAME, the name that clients call the server by"
fi

# --- user and folders

if [ -z "$root" ]; then
    if ! getent group sluice >/dev/null; then
        groupadd --system sluice
    fi
    if ! getent passwd sluice >/dev/null; then
        useradd --system --gid sluice --home-dir /var/lib/sluice --no-create-home \
            --shell /usr/sbin/nologin sluice
    fi
fi
install -d -m 0755 "$root/usr/local/bin" "$root/usr/local/sbin" "$lib" "$root/etc/systemd/system"
install -d -m 0700 "$etc"
install -d -m 0700 "$data"
if [ -z "$root" ]; then
    chown sluice:sluice "$data"
fi

# --- settings and secrets

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# Adds a setting unless the file has it.
put() {
    if ! has "$1"; then
        printf '%s=%s\n' "$1" "$2" >>"$env_file"
        echo "sluice.env: $1 added"
    fi
}

is_first=0
umask 077
if [ ! -f "$env_file" ]; then
    is_first=1
    cat >"$env_file" <<'HEAD'
# Settings of the service; `sluice config` lists all of them. NAME=value, without quotes.
# Keep a copy of this file where you keep passwords: without API_KEY_SALT no key opens anything.
HEAD
fi
chmod 0600 "$env_file"
put SECRET_KEY "$(random)"
put API_KEY_SALT "$(random)"
put SLUICE_LISTEN 127.0.0.1:8080
if [ -n "$database_url_file" ]; then
    put DATABASE_URL "$(head -n 1 "$database_url_file")"
fi
if [ "$is_production" -eq 1 ]; then
    put SLUICE_ENV production
    if [ -n "$hosts" ]; then put ALLOWED_HOSTS "$hosts"; fi
    # The proxy of this machine.
    put SLUICE_TRUSTED_PROXIES 127.0.0.1,::1
    put MAX_UPLOAD_SIZE 1GiB
fi
umask 022

# --- program and unit

if [ -f "$bin" ] && ! cmp -s "$binary" "$bin"; then
    cp -p "$bin" "$lib/sluice.previous"
    echo "the program before: $("$bin" --version), kept as $lib/sluice.previous"
fi
# Beside it and renamed: a program that runs cannot be written over.
install -m 0755 "$binary" "$bin.new"
mv -f "$bin.new" "$bin"
install -m 0755 "$here/sluice-admin" "$admin"
install -m 0644 "$here/systemd/sluice.service" "$unit"
echo "installed: $version"

if [ -n "$root" ]; then
    echo "installed below $root; nothing was started"
    exit 0
fi

# --- start

if ! [ -d /run/systemd/system ]; then
    echo "systemd does not run here; nothing was started"
    exit 0
fi
systemctl daemon-reload
systemctl enable --quiet sluice
if [ "$starts" -eq 0 ]; then
    echo "enabled; start it by: systemctl start sluice"
    exit 0
fi

if [ "$is_first" -eq 1 ]; then
    echo
    echo "The first admin key (shown this once):"
    "$admin" keys create --admin --name "first admin" ||
        fail "no key could be made; mend what is said above, then: sluice-admin keys create --admin"
    echo
fi
systemctl restart sluice

listen=$(sed -n 's/^SLUICE_LISTEN=//p' "$env_file" | tail -n 1)
port=${listen##*:}
for _ in $(seq 60); do
    # No tool needs to be there for this but the shell.
    if (exec 3<>"/dev/tcp/127.0.0.1/$port" &&
        printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3 | grep -q ' 200 ') 2>/dev/null; then
        echo "the service is ready at $listen"
        exit 0
    fi
    sleep 1
done
echo "install.sh: the service is not ready after a minute. See: journalctl -u sluice -n 50" >&2
if [ -f "$lib/sluice.previous" ]; then
    echo "install.sh: the program before comes back by: deploy/rollback.sh" >&2
fi
exit 1
