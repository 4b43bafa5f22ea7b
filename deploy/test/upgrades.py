"""Checks of backups, upgrades and rollbacks, below a root of their own, with the real program and one
that says that it knows a migration less."""

import os
import re
import shutil
import time

from common import DEPLOY, WORK, check, run, skip, succeeds


class Machine:
    """A root that install.sh installs into."""

    def __init__(self, binary):
        self.root, self.backups = WORK / "machine", WORK / "backups"
        # Its folder is the same below the root and outside, where the program runs.
        self.backups.mkdir(mode=0o700)
        self.newer = binary
        self.older = self.program("older", 'head -n -1')
        self.env_file = self.root / "etc/sluice/sluice.env"
        self.bin = self.root / "usr/local/bin/sluice"
        self.previous = self.root / "usr/local/lib/sluice/sluice.previous"
        self.env = {"PATH": os.environ["PATH"], "ADMIN_ENV_FILE": str(self.env_file),
                    "ADMIN_PROGRAM": str(binary), "ADMIN_DATA_FOLDER": str(self.root / "var/lib/sluice")}

    def program(self, name, list_filter):
        """The real one, but for what it says of its migrations."""
        path = WORK / name
        path.write_text(f'#!/bin/sh\nif [ "$1 $2" = "migrate list" ]; then "{self.newer}" migrate list | '
                        f'{list_filter}\nelse exec "{self.newer}" "$@"\nfi\n')
        path.chmod(0o755)
        return path

    def install(self, *arguments):
        return run(DEPLOY / "install.sh", "--root", self.root, *arguments)

    def rollback(self, *arguments):
        return run(DEPLOY / "rollback.sh", "--root", self.root, *arguments)

    def admin(self, *arguments):
        return run(self.root / "usr/local/sbin/sluice-admin", *arguments, env=self.env)

    def archives(self):
        return sorted(path.name for path in self.backups.iterdir())

    def pending(self):
        return re.findall(r"^pending +(\S+)", self.admin("migrate", "status")[1], re.M)


def run_all(binary):
    if run(binary, "backup", "--help")[0] != 0:
        skip("backups, upgrades and rollbacks", "this program makes no backups")
        return
    machine = Machine(binary)
    one = ("--production", "--host", "localhost", "--backup-to", machine.backups)
    code, told = machine.install("--backup-to", "backups", binary)
    check("install.sh --backup-to wants a whole path", code != 0 and "begins with /" in told, told)
    code, told = machine.install(*one, machine.older)
    env = machine.env_file.read_text()
    check("install.sh --backup-to sets where backups go, and for how long", code == 0
          and f"\nSLUICE_BACKUP_TO={machine.backups}\nSLUICE_BACKUP_KEEP=30d\n" in env, told + env)
    drop_ins = [machine.root / f"etc/systemd/system/{name}.service.d/backup.conf"
                for name in ("sluice", "sluice-backup")]
    check("and lets the service write there", all(
        f"ReadWritePaths=-{machine.backups}\n" in path.read_text() for path in drop_ins))
    code, told = machine.admin("keys", "create", "--admin")
    check("a first start has seen all migrations", code == 0 and machine.pending() == [], told)
    code, told = machine.admin("check", "--deploy")
    check("sluice-admin check --deploy finds no error in what install.sh wrote", code == 0, told)

    code, told = machine.install(*one, binary)
    check("an upgrade makes a backup of before", code == 0 and len(machine.archives()) == 1
          and f"a backup of before: {machine.backups}/sluice-" in told, told)
    archive = machine.backups / machine.archives()[0]
    succeeds("which is whole", binary, "verify", archive)
    machine.install(*one, binary)
    check("the same program again makes none", len(machine.archives()) == 1)

    wait_for_another_second()
    last = run(binary, "migrate", "list")[1].split()[-1]
    code, told = machine.rollback()
    is_back = machine.bin.read_bytes() == machine.older.read_bytes()
    check("rollback.sh undoes what the program before does not know",
          code == 0 and is_back and machine.pending() == [last], f"{told}\n{machine.pending()}")
    check("after one more backup", len(machine.archives()) == 2, machine.archives())
    code, told = machine.rollback()
    check("run twice, it goes forward, and undoes nothing", code == 0 and machine.pending() == [last]
          and machine.bin.read_bytes() == machine.newer.read_bytes()
          and len(machine.archives()) == 2, told)
    succeeds("where the start carries it out again", *[machine.root / "usr/local/sbin/sluice-admin",
                                                       "migrate", "up"], env=machine.env)

    # A program whose past is another one.
    shutil.copy(machine.program("foreign", "sed 's/^m0001/m0000/'"), machine.previous)
    before = machine.bin.read_bytes()
    code, told = machine.rollback()
    check("rollback.sh refuses a program with other migrations, and changes nothing", code == 1
          and "neither list begins as the other" in told and machine.bin.read_bytes() == before
          and machine.pending() == [], told)

    shutil.rmtree(machine.backups)
    machine.backups.write_text("no folder")
    newest = machine.program("newest", "cat")
    with newest.open("a") as file:
        file.write("# newest\n")
    code, told = machine.install("--production", newest)
    check("an upgrade without its backup changes nothing", code == 1
          and machine.bin.read_bytes() == before, told)
    machine.backups.unlink()
    machine.backups.mkdir(mode=0o700)
    code, told = machine.install("--no-backup", newest)
    check("unless --no-backup says so", code == 0 and machine.archives() == []
          and machine.bin.read_bytes() == newest.read_bytes(), told)
    shutil.copy(machine.older, machine.previous)
    (machine.root / "var/lib/sluice/catalog.db").write_bytes(b"damaged" * 1000)
    code, told = machine.rollback("--no-backup")
    check("rollback.sh keeps the program when migrations cannot be undone", code == 1
          and "the program stays" in told and machine.bin.read_bytes() == newest.read_bytes(), told)
    run(DEPLOY / "uninstall.sh", "--root", machine.root, "--purge", "--yes")
    left = [path for name in ("etc", "usr") for path in (machine.root / name).rglob("sluice*")]
    check("uninstall.sh takes units and their additions away", not left, left)


def wait_for_another_second():
    """Archives are named by the second."""
    begun = int(time.time())
    while int(time.time()) == begun:
        time.sleep(0.05)
