//! What the machine gives: folders, disk, memory, descriptors, clock.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use super::Findings;
use crate::config::Settings;

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
/// File systems over a network, by the number that the kernel tells: SQLite's locks do not hold
/// there (<https://www.sqlite.org/howtocorrupt.html>, 2.1).
const NETWORK: [(u64, &str); 7] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x6573_5546, "FUSE"),
];
/// File systems whose files go away with the machine or the container.
const PASSING: [(u64, &str); 2] = [(0x0102_1994, "tmpfs"), (0x794C_7630, "overlayfs")];

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    folder(settings, findings);
    disk(settings, findings);
    memory(settings, findings);
    process(settings, findings);
    clock(findings);
}

fn folder(settings: &Settings, findings: &mut Findings) {
    let folder = &settings.data_dir;
    let shown = folder.display();
    let Ok(metadata) = std::fs::metadata(folder) else {
        findings.note(
            "data_dir",
            format!("{shown} is not there"),
            "the first start makes it",
            "name the server's by --data-dir if there is one",
        );
        return;
    };
    if !metadata.is_dir() {
        findings.error(
            "data_dir",
            format!("{shown} is no folder"),
            "data cannot be kept there",
            "set SLUICE_DATA_DIR to a folder",
        );
        return;
    }
    let access =
        rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    if rustix::fs::access(folder, access).is_err() {
        findings.error(
            "data_dir",
            format!("{shown} cannot be written by this user"),
            "nothing can be stored",
            "run as the user of the server, or give it the folder: chown",
        );
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        findings.note(
            "data_dir",
            format!("{shown} belongs to another user"),
            "what this user makes in it, the server may be unable to read",
            "run as the user of the server, as sluice-admin does",
        );
    }
    for secret in secrets_of(folder) {
        let mode = std::fs::metadata(&secret).map_or(0, |it| it.permissions().mode());
        if mode & 0o077 != 0 {
            let shown = secret.display();
            findings.error(
                "secrets",
                format!("{shown} can be read by others"),
                "with it and a copy of the catalog, keys can be guessed and cursors made",
                "chmod 600 it; `sluice secrets rotate` makes new ones",
            );
        }
    }
}

fn secrets_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("secrets"));
    entries.map(|it| it.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

fn disk(settings: &Settings, findings: &mut Findings) {
    // The nearest folder that is there.
    let found = settings.data_dir.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."));
    let found = if found.as_os_str().is_empty() { Path::new(".") } else { found };
    if let Ok(statfs) = rustix::fs::statfs(found)
        && settings.database_url.is_none()
    {
        #[expect(clippy::cast_sign_loss, reason = "a magic number, whose type differs by machine")]
        let kind = statfs.f_type as u64 & 0xFFFF_FFFF;
        let named = |known: &[(u64, &'static str)]| {
            known.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
        };
        if let Some(name) = named(&NETWORK) {
            findings.error(
                "data_dir",
                format!("the data are on {name}, a file system over a network"),
                "SQLite's locks do not hold there: files can be damaged",
                "put the data on a disk of this machine, or use PostgreSQL",
            );
        }
        if let Some(name) = named(&PASSING) {
            findings.warn(
                "data_dir",
                format!("the data are on {name}"),
                "they go away with the machine or the container",
                "put them on a disk or a volume",
            );
        }
    }
    let Ok(disk) = rustix::fs::statvfs(found) else { return };
    let (free, size) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
    let shown = format!("{} MiB of {} MiB are free", free / MIB, size / MIB);
    if free < GIB {
        findings.error(
            "disk",
            shown,
            "a full disk refuses every upload and change",
            "make room, or move the data to a larger disk",
        );
    } else if free < size / 10 {
        findings.warn("disk", shown, "it runs full soon", "make room, or take a larger disk");
    } else if free < settings.max_upload_bytes.saturating_mul(3) {
        findings.warn(
            "disk",
            shown,
            "the largest upload is kept, loaded and indexed: it takes up to three times its size",
            "make room, or lower MAX_UPLOAD_SIZE",
        );
    }
    if disk.f_files > 0 && disk.f_favail < disk.f_files / 20 {
        findings.warn(
            "disk",
            format!("{} of {} inodes are free", disk.f_favail, disk.f_files),
            "without them no file can be made",
            "remove small files, or take another file system",
        );
    }
}

fn memory(settings: &Settings, findings: &mut Findings) {
    let told = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = told.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total = total.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let Some(total) = total.map(|kib| kib << 10) else { return };
    if total < 400 * MIB {
        findings.warn(
            "memory",
            format!("the machine has {} MiB", total / MIB),
            "a large load beside many requests may not find enough",
            "take a machine with 1 GiB",
        );
    }
    if settings.response_cache_bytes > total / 2 {
        findings.warn(
            "response_cache_size",
            format!("{} MiB of answers may be kept", settings.response_cache_bytes / MIB),
            "that is more than half of the machine's memory",
            "lower SLUICE_RESPONSE_CACHE_SIZE",
        );
    }
}

fn process(settings: &Settings, findings: &mut Findings) {
    let files = getrlimit(Resource::Nofile).maximum;
    let needed = settings.max_connections as u64 + 1_000;
    if files.is_some_and(|files| files < needed) {
        findings.warn(
            "open files",
            format!("this process may open {} files", files.unwrap_or_default()),
            "each connection takes one, and so do files of datasets",
            "raise the limit (LimitNOFILE=65536 in a unit), or lower SLUICE_MAX_CONNECTIONS",
        );
    }
    if findings.is_deploy && rustix::process::geteuid().is_root() {
        findings.warn(
            "user",
            "this runs as root",
            "whoever gets through the program owns the machine",
            "run the server as a user of its own, as deploy/install.sh does",
        );
    }
}

fn clock(findings: &mut Findings) {
    let sync = Path::new("/run/systemd/timesync");
    if sync.is_dir() && !sync.join("synchronized").is_file() {
        findings.warn(
            "clock",
            "the clock was not set by a time server since the start",
            "ends of keys, tokens and the order of versions hang on it",
            "timedatectl set-ntp true",
        );
    }
    let year = jiff::Zoned::now().year();
    if year < 2026 {
        findings.error(
            "clock",
            format!("the clock says {year}"),
            "ends of keys, tokens and the order of versions hang on it",
            "set it: timedatectl set-ntp true",
        );
    }
}
