#!/usr/bin/env bash
# Puts the program back that the last install.sh replaced, and its unit. Run twice, it goes forward
# again.
set -euo pipefail

usage() {
    cat <<'USAGE'
Usage: rollback.sh [OPTIONS]

Where the program of now knows migrations that the one before does not, they are undone first, with
the service stopped and a backup made. What only the new shape of the catalog could hold is lost by
that: RUNBOOK.md, "Undo a deployment".

  --smoke-test URL   runs the smoke test afterwards (a key in SLUICE_KEY)
  --no-backup        makes no backup before migrations are undone
  --root DIR         works below DIR, stops and starts nothing
  -h, --help         prints this
USAGE
}

script=rollback.sh
deploy=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root='' smoke_url='' backs_up=1
while [ $# -gt 0 ]; do
    case $1 in
        --root | --smoke-test)
            [ $# -ge 2 ] || { echo "rollback.sh: $1 needs a value" >&2; exit 1; }
            case $1 in
                --root) root=${2%/} ;;
                *) smoke_url=$2 ;;
            esac
            shift
            ;;
        --no-backup) backs_up=0 ;;
        -h | --help)
            usage
            exit 0
            ;;
        *)
            echo "rollback.sh: unknown option $1" >&2
            exit 1
            ;;
    esac
    shift
done
# shellcheck source=lib/service.sh
. "$deploy/lib/service.sh"

if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    fail "run it as root (sudo), or with --root DIR"
fi
if [ ! -x "$previous" ]; then
    fail "there is no program before this one ($previous)"
fi

# --- which migrations are undone

undo_to=''
if knows "$bin" migrate; then
    known_now=$("$bin" migrate list)
    if knows "$previous" migrate; then
        known_before=$("$previous" migrate list)
        n_before=$(wc -l <<<"$known_before")
        if [ "$known_before" = "$(head -n "$n_before" <<<"$known_now")" ]; then
            if [ "$(wc -l <<<"$known_now")" -gt "$n_before" ]; then
                undo_to=$(tail -n 1 <<<"$known_before")
            fi
        elif [ "$known_now" != "$(head -n "$(wc -l <<<"$known_now")" <<<"$known_before")" ]; then
            fail "the two programs know different migrations, and neither list begins as the other;" \
                "restore the copy from before the deployment instead"
        fi
    else
        echo "the program before does not tell its migrations; if it does not start, restore a copy"
    fi
fi

# --- with the service stopped

sockets=''
if runs_services; then
    # A socket that stays would start the service again at the next request.
    sockets=$(sockets_that is-active)
    # shellcheck disable=SC2086
    systemctl stop $sockets sluice.service
fi
start() {
    if runs_services; then
        systemctl daemon-reload
        # shellcheck disable=SC2086
        systemctl restart $sockets sluice.service
    fi
}

if [ -n "$undo_to" ]; then
    trap 'start || true' EXIT
    if [ "$backs_up" -eq 1 ]; then back_up "$bin"; fi
    as_service "$bin" migrate down --to "$undo_to" --yes ||
        fail "the migrations after $undo_to could not be undone, and the program stays;" \
            "restore the copy from before the deployment instead"
    trap - EXIT
    echo "migrations after $undo_to are undone"
fi

swap() {
    mv "$1" "$2.swap"
    mv "$2" "$1"
    mv "$2.swap" "$2"
}
swap "$bin" "$previous"
if [ -f "$previous_unit" ]; then swap "$units/sluice.service" "$previous_unit"; fi
echo "now: $("$bin" --version); kept: $("$previous" --version)"

if runs_services; then
    start
    wait_until_ready
    smoke_test "$smoke_url"
fi
