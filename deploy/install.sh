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
  --backup-to DIR|URL
                      a backup each night into this folder, or s3://bucket/prefix; an upgrade makes
                      one first. Kept for 30 days, or --backup-keep
  --backup-keep TIME  such as 30d
  --no-backup         upgrades without a backup of before
  --socket            systemd holds the socket: connections wait while the service restarts
  --smoke-test URL    runs the smoke test at the end (a key in SLUICE_KEY)
  --root DIR          installs below DIR, for packages and tests: makes no user, starts nothing
  --no-start          installs and enables, but starts nothing
  -h, --help          prints this

Installs
  /usr/local/bin/sluice            the program; the one before it stays in
  /usr/local/lib/sluice/           sluice.previous, for rollback.sh
  /usr/local/sbin/sluice-admin     runs the program as the service does: sluice-admin keys list
  /etc/sluice/sluice.env           settings and secrets, readable by root alone
  /etc/sluice/sluice.toml          settings that are taken up without a restart
  /var/lib/sluice                  the data, for the user "sluice" alone
  /etc/systemd/system/sluice.service, sluice.socket, sluice-redirect.socket,
  sluice-backup.service and .timer, sluice-notice@.service
                                   the service, its backup, and who is told when one of them fails
  /etc/logrotate.d/sluice          for logs in /var/log/sluice, if there are any
USAGE
}

script=install.sh
deploy=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root='' binary='' hosts='' database_url_file='' is_production=0 starts=1
backup_to='' backup_keep='' backs_up=1 has_socket=0 smoke_url=''

wrong() {
    echo "install.sh: $*" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
        --host | --database-url-file | --backup-to | --backup-keep | --smoke-test | --root)
            [ $# -ge 2 ] || wrong "$1 needs a value"
            case $1 in
                --host) hosts="${hosts:+$hosts,}$2" ;;
                --database-url-file) database_url_file=$2 ;;
                --backup-to) backup_to=$2 ;;
                --backup-keep) backup_keep=$2 ;;
                --smoke-test) smoke_url=$2 ;;
                *) root=${2%/} ;;
            esac
            shift
            ;;
        --production) is_production=1 ;;
        --no-backup) backs_up=0 ;;
        --socket) has_socket=1 ;;
        --no-start) starts=0 ;;
        -h | --help)
            usage
            exit 0
            ;;
        -*) wrong "unknown option $1 (--help lists them)" ;;
        *)
            [ -z "$binary" ] || wrong "one binary, please: $binary or $1?"
            binary=$1
            ;;
    esac
    shift
done
# shellcheck source=lib/service.sh
. "$deploy/lib/service.sh"

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

case $backup_to in
    '' | s3://*) ;;
    *[[:space:]]*) fail "--backup-to: a folder without blanks, please" ;;
    /*) ;;
    *) fail "--backup-to needs a folder that begins with /, or s3://bucket/prefix" ;;
esac
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
install -d -m 0755 "$root/usr/local/bin" "$root/usr/local/sbin" "$lib" "$units" "$root/etc/logrotate.d"
# The service may read sluice.toml in it, and nothing else.
install -d -m 0750 "$etc"
install -d -m 0700 "$data"
if [ -z "$root" ]; then
    chown root:sluice "$etc"
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
if [ ! -f "$etc/sluice.toml" ]; then
    cat >"$etc/sluice.toml" <<'HEAD'
# Settings that `systemctl reload sluice` takes up while the service runs: log, slow_after, rate.…,
# allowed_origins and others. What stands in sluice.env counts more.
HEAD
    chmod 0640 "$etc/sluice.toml"
    if [ -z "$root" ]; then chown root:sluice "$etc/sluice.toml"; fi
fi
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
if [ -n "$backup_to" ]; then
    put SLUICE_BACKUP_TO "$backup_to"
    put SLUICE_BACKUP_KEEP "${backup_keep:-30d}"
fi
umask 022

# The folder of backups: the service may write there, and nobody else may look.
folder=''
if has SLUICE_BACKUP_TO; then folder=$(value_of SLUICE_BACKUP_TO); fi
case $folder in
    /*)
        install -d -m 0700 "$root$folder"
        if [ -z "$root" ]; then chown sluice:sluice "$folder"; fi
        for name in sluice sluice-backup; do
            install -d -m 0755 "$units/$name.service.d"
            printf '[Unit]\nRequiresMountsFor=%s\n\n[Service]\nReadWritePaths=-%s\n' "$folder" "$folder" \
                >"$units/$name.service.d/backup.conf"
        done
        ;;
    *) rm -f "$units/sluice.service.d/backup.conf" "$units/sluice-backup.service.d/backup.conf" ;;
esac

# --- program and units

if [ -f "$bin" ] && ! cmp -s "$binary" "$bin"; then
    if [ "$backs_up" -eq 1 ]; then back_up "$bin"; fi
    cp -p "$bin" "$previous"
    if [ -f "$units/sluice.service" ]; then cp -p "$units/sluice.service" "$previous_unit"; fi
    echo "the program before: $("$bin" --version), kept as $previous"
fi
# Beside it and renamed: a program that runs cannot be written over.
install -m 0755 "$binary" "$bin.new"
mv -f "$bin.new" "$bin"
install -m 0755 "$deploy/sluice-admin" "$admin"
install -m 0755 "$deploy/monitoring/sluice-notice" "$root/usr/local/sbin/sluice-notice"
for name in sluice.service sluice.socket sluice-redirect.socket sluice-backup.service sluice-backup.timer sluice-notice@.service; do
    install -m 0644 "$deploy/systemd/$name" "$units/$name"
done
install -m 0644 "$deploy/logrotate/sluice" "$root/etc/logrotate.d/sluice"
# systemd listens where the settings say, and nowhere else.
install -d -m 0755 "$units/sluice.socket.d"
listen=$(value_of SLUICE_LISTEN)
listen_conf=$units/sluice.socket.d/listen.conf
listened=$(cat "$listen_conf" 2>/dev/null || true)
printf '[Socket]\nListenStream=\nListenStream=%s\n' "${listen:-127.0.0.1:8080}" >"$listen_conf"
echo "installed: $version"

if [ -n "$root" ]; then
    echo "installed below $root; nothing was started"
    exit 0
fi

# --- start

if ! runs_services; then
    echo "systemd does not run here; nothing was started"
    exit 0
fi
systemctl daemon-reload
systemctl enable --quiet sluice
if [ "$has_socket" -eq 1 ]; then
    systemctl enable --quiet sluice.socket
    if has SLUICE_TLS_CERTIFICATE; then systemctl enable --quiet sluice-redirect.socket; fi
fi
if ! has SLUICE_BACKUP_TO; then
    echo "nobody makes backups yet: install.sh --backup-to DIR"
elif ! knows "$bin" backup; then
    echo "this program makes no backups, whatever SLUICE_BACKUP_TO says"
elif has SLUICE_BACKUP_SCHEDULE; then
    systemctl disable --quiet --now sluice-backup.timer
    echo "the server makes backups itself, as SLUICE_BACKUP_SCHEDULE says"
else
    systemctl enable --quiet --now sluice-backup.timer
    echo "a backup each night: systemctl list-timers sluice-backup.timer"
fi
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
sockets=$(sockets_that is-enabled)
if [ -n "$sockets" ] &&
    { [ "$sockets" != "$(sockets_that is-active)" ] || [ "$listened" != "$(cat "$listen_conf")" ]; }; then
    # The address is the service's own until it ends; a socket that has another one is made anew.
    # shellcheck disable=SC2086
    systemctl stop sluice.service $sockets
    # shellcheck disable=SC2086
    systemctl start $sockets
fi
if systemctl restart sluice && wait_until_ready && smoke_test "$smoke_url"; then
    exit 0
fi
if [ -f "$previous" ]; then
    echo "install.sh: the program before comes back by: deploy/rollback.sh" >&2
fi
exit 1
