# shellcheck shell=bash
# What install.sh and rollback.sh share. They set "script" (their name), "deploy" (the folder of
# deploy/) and "root" (empty, or the folder that stands for /) before they read it.
# shellcheck disable=SC2034,SC2154

bin=$root/usr/local/bin/sluice
lib=$root/usr/local/lib/sluice
admin=$root/usr/local/sbin/sluice-admin
etc=$root/etc/sluice
env_file=$etc/sluice.env
data=$root/var/lib/sluice
units=$root/etc/systemd/system
previous=$lib/sluice.previous
previous_unit=$lib/sluice.service.previous

fail() {
    echo "$script: $*" >&2
    exit 1
}

# Whether sluice.env has a setting, and its value; the last of several counts, as for systemd.
has() { [ -f "$env_file" ] && grep -q "^$1=" "$env_file"; }
value_of() { sed -n "s/^$1=//p" "$env_file" | tail -n 1; }

# Whether there are services to start and stop.
runs_services() { [ -z "$root" ] && [ -d /run/systemd/system ]; }

# The sockets that systemd holds for the service, in the state that is asked for: is-enabled, is-active.
sockets_that() {
    local name
    for name in sluice.socket sluice-redirect.socket; do
        if systemctl "$1" --quiet "$name" 2>/dev/null; then echo "$name"; fi
    done
}

# Whether a program has a command: knows PROGRAM COMMAND.
knows() { "$1" "$2" --help >/dev/null 2>&1; }

# Runs a program with the settings, in the folder and as the user of the service.
as_service() {
    local program=$1
    shift
    ADMIN_ENV_FILE=$env_file ADMIN_PROGRAM=$program ADMIN_DATA_FOLDER=$data "$deploy/sluice-admin" "$@"
}

# Makes a backup with this program, where sluice.env names a place for it.
back_up() {
    local program=$1 archive
    if ! has SLUICE_BACKUP_TO; then
        echo "no backup is made: sluice.env has no SLUICE_BACKUP_TO (install.sh --backup-to)"
    elif ! knows "$program" backup; then
        echo "no backup is made: the program of now has no command for it"
    else
        archive=$(as_service "$program" backup) ||
            fail "no backup could be made, and the program stays (--no-backup goes on without)"
        echo "a backup of before: $archive"
    fi
}

# Asks /readyz for a minute, with no other tool than the shell.
wait_until_ready() {
    local listen host port
    listen=$(value_of SLUICE_LISTEN)
    listen=${listen:-127.0.0.1:8080}
    host=${listen%:*} port=${listen##*:}
    host=${host#[} host=${host%]}
    case $host in
        0.0.0.0 | '') host=127.0.0.1 ;;
        ::) host=::1 ;;
    esac
    for _ in $(seq 60); do
        if is_ready "$host" "$port"; then
            echo "the service is ready at $listen"
            return 0
        fi
        sleep 1
    done
    echo "$script: the service is not ready after a minute. See: journalctl -u sluice -n 50" >&2
    return 1
}

is_ready() {
    local host=$1
    if has SLUICE_TLS_CERTIFICATE; then
        case $host in *:*) host="[$host]" ;; esac
        curl --insecure --silent --fail --max-time 5 --output /dev/null "https://$host:$2/readyz"
    else
        (exec 3<>"/dev/tcp/$1/$2" &&
            printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3 | grep -q ' 200 ') 2>/dev/null
    fi
}

# Runs the smoke test, where an address was given.
smoke_test() {
    if [ -n "$1" ]; then
        "$deploy/smoke-test" "$1" || return 1
    fi
}
