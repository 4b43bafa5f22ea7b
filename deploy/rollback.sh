#!/usr/bin/env bash
# Puts the program back that the last install.sh replaced. Run twice, it goes forward again.
#
# It changes the program, never the data. A release that changed the catalog may leave it unreadable
# to the program before: RUNBOOK.md, "Undo a deployment", tells how to put the copy back.
set -euo pipefail

root=''
while [ $# -gt 0 ]; do
    case $1 in
        --root)
            [ $# -ge 2 ] || { echo "rollback.sh: --root needs a folder" >&2; exit 1; }
            root=${2%/}
            shift
            ;;
        -h | --help)
            echo "Usage: rollback.sh [--root DIR]"
            exit 0
            ;;
        *)
            echo "rollback.sh: unknown option $1" >&2
            exit 1
            ;;
    esac
    shift
done

if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    echo "rollback.sh: run it as root (sudo), or with --root DIR" >&2
    exit 1
fi
bin=$root/usr/local/bin/sluice
previous=$root/usr/local/lib/sluice/sluice.previous
if [ ! -x "$previous" ]; then
    echo "rollback.sh: there is no program before this one ($previous)" >&2
    exit 1
fi

mv "$bin" "$previous.swap"
mv "$previous" "$bin"
mv "$previous.swap" "$previous"
echo "now: $("$bin" --version); kept: $("$previous" --version)"

if [ -n "$root" ] || [ ! -d /run/systemd/system ]; then
    exit 0
fi
systemctl restart sluice
listen=$(sed -n 's/^SLUICE_LISTEN=//p' /etc/sluice/sluice.env | tail -n 1)
port=${listen##*:}
for _ in $(seq 60); do
    if (exec 3<>"/dev/tcp/127.0.0.1/${port:-8080}" &&
        printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3 | grep -q ' 200 ') 2>/dev/null; then
        echo "the service is ready"
        exit 0
    fi
    sleep 1
done
echo "rollback.sh: the service is not ready after a minute. See: journalctl -u sluice -n 50" >&2
exit 1
