#!/usr/bin/env bash
# Removes the service. Data, settings and secrets stay, unless --purge says otherwise.
set -euo pipefail

usage() {
    cat <<'USAGE'
Usage: uninstall.sh [--purge [--yes]] [--root DIR]

  --purge     removes the data, the settings, the secrets and the user, too; asks first.
              Backups stay, wherever they are
  --yes       does not ask
  --root DIR  works below DIR, stops nothing
USAGE
}

root='' is_purge=0 is_sure=0
while [ $# -gt 0 ]; do
    case $1 in
        --purge) is_purge=1 ;;
        --yes) is_sure=1 ;;
        --root)
            [ $# -ge 2 ] || { echo "uninstall.sh: --root needs a folder" >&2; exit 1; }
            root=${2%/}
            shift
            ;;
        -h | --help)
            usage
            exit 0
            ;;
        *)
            echo "uninstall.sh: unknown option $1" >&2
            exit 1
            ;;
    esac
    shift
done

if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    echo "uninstall.sh: run it as root (sudo), or with --root DIR" >&2
    exit 1
fi
if [ "$is_purge" -eq 1 ] && [ "$is_sure" -eq 0 ]; then
    printf 'This removes all datasets and secrets for good. Type "remove" to go on: '
    read -r answer || answer=''
    if [ "$answer" != remove ]; then
        echo "nothing was done"
        exit 1
    fi
fi

units=$root/etc/systemd/system
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    for name in sluice-backup.timer sluice-redirect.socket sluice.socket sluice.service; do
        if [ -e "$units/$name" ]; then systemctl disable --now --quiet "$name" || true; fi
    done
fi
rm -f "$units"/sluice.service "$units"/sluice.socket "$units"/sluice-redirect.socket "$units"/sluice-backup.service "$units"/sluice-backup.timer \
    "$root/usr/local/bin/sluice" "$root/usr/local/sbin/sluice-admin" "$root/etc/logrotate.d/sluice"
rm -rf "$units/sluice.socket.d" "$units/sluice.service.d/backup.conf" "$units/sluice-backup.service.d"
rmdir --ignore-fail-on-non-empty "$units/sluice.service.d" 2>/dev/null || true
# The probe of another deployment may need it.
if [ ! -e "$units/sluice-probe.service" ]; then
    rm -f "$units/sluice-notice@.service" "$root/usr/local/sbin/sluice-notice"
fi
rm -rf "$root/usr/local/lib/sluice"
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi

if [ "$is_purge" -eq 1 ]; then
    rm -rf "$root/etc/sluice" "$root/var/lib/sluice"
    if [ -z "$root" ] && getent passwd sluice >/dev/null; then
        userdel sluice
    fi
    echo "removed, with its data"
else
    echo "removed; $root/etc/sluice and $root/var/lib/sluice stay"
fi
