//! Turns the environment and the data folder into the secrets that keys are checked with.
//!
//! It exists so that every place a secret may come from is listed once. It never prints or keeps a
//! secret in clear beyond the process.

use std::io::Write;
use std::path::Path;

use crate::catalog::{Catalog, CatalogError};
use crate::config::{Secret, Settings};
use crate::error::{Code, Error, Result};

/// The least length of a secret given by the operator.
const MIN_ADMIN_KEY_CHARS: usize = 32;
const MIN_PEPPER_CHARS: usize = 16;

/// The catalog's fact that holds the pepper on PostgreSQL.
const PEPPER_FACT: &str = "api_key_salt";

/// What keys are checked with.
pub(super) struct Secrets {
    /// Keys are hashed with it: without it, a copy of the catalog is of no use.
    pub(super) pepper: String,
    /// The admin key that the operator chose.
    pub(super) admin_key: Option<String>,
}

impl Secrets {
    /// Takes `api_key_salt` and `admin_key` from the settings; makes the pepper at the first start
    /// where none is set.
    ///
    /// The embedded store keeps the pepper it made in `<data_dir>/secrets/api_key_salt`, readable
    /// by its owner alone. On PostgreSQL all nodes need the same one and share no folder, so it is
    /// a fact of the catalog; an operator who wants it apart from the hashes sets the variable.
    pub(super) async fn read(catalog: &Catalog, settings: &Settings) -> Result<Secrets> {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().trim().to_owned());
        let admin_key = text(&settings.admin_key);
        if admin_key.as_ref().is_some_and(|key| key.chars().count() < MIN_ADMIN_KEY_CHARS) {
            return Err(Error::bad_input(format!(
                "SLUICE_ADMIN_KEY is shorter than {MIN_ADMIN_KEY_CHARS} characters. Set a longer secret, for example the output of: openssl rand -hex 32"
            )));
        }
        let pepper = match text(&settings.api_key_salt) {
            Some(pepper) if pepper.chars().count() < MIN_PEPPER_CHARS => {
                return Err(Error::bad_input(format!(
                    "SLUICE_API_KEY_SALT is shorter than {MIN_PEPPER_CHARS} characters. Set a longer secret, for example the output of: openssl rand -hex 32"
                )));
            }
            Some(pepper) => pepper,
            None if catalog.is_postgres() => catalog.fact(PEPPER_FACT, &random_hex()?).await?,
            None => file_pepper(&settings.data_dir).map_err(CatalogError::Folder)?,
        };
        Ok(Secrets { pepper, admin_key })
    }
}

/// The pepper of this data folder, made at the first start.
fn file_pepper(data_dir: &Path) -> std::io::Result<String> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let folder = data_dir.join("secrets");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let path = folder.join("api_key_salt");
    match std::fs::read_to_string(&path) {
        Ok(pepper) if pepper.trim().len() >= MIN_PEPPER_CHARS => Ok(pepper.trim().to_owned()),
        Ok(_) => Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "the file secrets/api_key_salt is damaged: restore it from a backup, or remove it and make new keys",
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let pepper = random_hex().map_err(std::io::Error::other)?;
            // Whole or not at all: a half-written pepper would lock everybody out.
            let draft = folder.join(format!("api_key_salt.{}", uuid::Uuid::new_v4().simple()));
            let mut file =
                std::fs::File::options().create_new(true).write(true).mode(0o600).open(&draft)?;
            file.write_all(pepper.as_bytes())?;
            file.sync_all()?;
            // Another process may have been first; then its pepper counts.
            let linked = std::fs::hard_link(&draft, &path);
            std::fs::remove_file(&draft)?;
            match linked {
                Ok(()) => {
                    std::fs::File::open(&folder)?.sync_all()?;
                    Ok(pepper)
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    Ok(std::fs::read_to_string(&path)?.trim().to_owned())
                }
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// 32 random bytes as hexadecimal digits.
fn random_hex() -> Result<String> {
    let bytes = random::<32>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Bytes from the operating system's source of randomness.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(Code::Internal, "The operating system gives no random numbers.")
            .caused_by(std::io::Error::other(error.to_string()))
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_pepper_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = file_pepper(folder.path()).unwrap();
        assert_eq!(first.len(), 64);
        assert_eq!(file_pepper(folder.path()).unwrap(), first);
        let file = folder.path().join("secrets/api_key_salt");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "x").unwrap();
        assert!(file_pepper(folder.path()).is_err());
    }
}
