//! Turns the environment and the data folder into the secrets that keys are checked with.
//!
//! It exists so that every place a secret may come from is listed once. It never prints or keeps a
//! secret in clear beyond the process.

use std::io::Write;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::catalog::{Catalog, CatalogError};
use crate::config::{Secret, Settings};
use crate::error::{Code, Error, Result};

/// The least length of a secret given by the operator.
const MIN_ADMIN_KEY_CHARS: usize = 32;
const MIN_SECRET_CHARS: usize = 16;

/// The names that made secrets have: facts of the catalog on PostgreSQL, files otherwise.
const PEPPER: &str = "api_key_salt";
const SECRET_KEY: &str = "secret_key";
/// Former ones, separated by commas, newest first; made by [`rotate_secret_key`].
const SECRET_KEY_PREVIOUS: &str = "secret_key_previous";
/// Former secret keys that are kept; what was signed with older ones ends.
const MAX_PREVIOUS: usize = 3;

/// What keys are checked with and answers are signed with.
pub(super) struct Secrets {
    /// Keys are hashed with it: without it, a copy of the catalog is of no use.
    pub(super) pepper: Secret,
    /// What clients bring back is signed with the first, and taken if signed with any.
    pub(super) secret_keys: Vec<Secret>,
    /// The admin key that the operator chose.
    pub(super) admin_key: Option<Secret>,
}

impl Secrets {
    /// Takes `api_key_salt`, `secret_key` and `admin_key` from the settings; makes the first two at
    /// the first start where they are not set.
    ///
    /// The embedded store keeps what it made in files of `<data_dir>/secrets`, readable by their
    /// owner alone. On PostgreSQL all nodes need the same ones and share no folder, so they are
    /// facts of the catalog; an operator who wants them apart from the hashes sets the variables.
    pub(super) async fn read(catalog: &Catalog, settings: &Settings) -> Result<Secrets> {
        let admin_key = settings.admin_key.clone();
        refuse_short("SLUICE_ADMIN_KEY", admin_key.as_ref(), MIN_ADMIN_KEY_CHARS)?;
        let pepper = settings.api_key_salt.as_ref();
        let pepper = given_or_made(catalog, settings, PEPPER, pepper).await?;
        let key = settings.secret_key.as_ref();
        let mut secret_keys = vec![given_or_made(catalog, settings, SECRET_KEY, key).await?];
        secret_keys.extend(settings.secret_key_previous.iter().cloned());
        if settings.secret_key.is_none() {
            secret_keys.extend(previous_keys(catalog, settings).await?);
        }
        Ok(Secrets { pepper, secret_keys, admin_key })
    }
}

async fn given_or_made(
    catalog: &Catalog,
    settings: &Settings,
    name: &str,
    given: Option<&Secret>,
) -> Result<Secret> {
    match given {
        Some(secret) => {
            let variable = format!("SLUICE_{}", name.to_ascii_uppercase());
            refuse_short(&variable, given, MIN_SECRET_CHARS)?;
            Ok(secret.clone())
        }
        None if catalog.is_postgres() => {
            Ok(Secret::new(catalog.fact(name, random_hex()?.expose()).await?))
        }
        None => Ok(secret_of_file(&settings.data_dir, name).map_err(CatalogError::Folder)?),
    }
}

/// Former secret keys that Sluice has made itself.
async fn previous_keys(catalog: &Catalog, settings: &Settings) -> Result<Vec<Secret>> {
    let kept = if catalog.is_postgres() {
        catalog.find_fact(SECRET_KEY_PREVIOUS).await?.map(Secret::new)
    } else {
        kept_secret(&settings.data_dir, SECRET_KEY_PREVIOUS).map_err(CatalogError::Folder)?
    };
    let Some(kept) = kept else { return Ok(Vec::new()) };
    Ok(kept.expose().split(',').filter(|key| !key.is_empty()).map(Secret::new).collect())
}

/// Makes a new secret key where Sluice keeps its own; what was signed with the last ones is still
/// taken. Servers take it up at their next start.
///
/// # Errors
/// CONFLICT when the key is a setting, which nobody but its owner can change.
pub async fn rotate_secret_key(catalog: &Catalog, settings: &Settings) -> Result<()> {
    if settings.secret_key.is_some() {
        return Err(set_by_owner("SECRET_KEY"));
    }
    let old = given_or_made(catalog, settings, SECRET_KEY, None).await?;
    let mut previous = vec![old];
    previous.extend(previous_keys(catalog, settings).await?);
    previous.truncate(MAX_PREVIOUS);
    let texts: Vec<&str> = previous.iter().map(Secret::expose).collect();
    // First what is still needed.
    put(catalog, settings, SECRET_KEY_PREVIOUS, &Secret::new(texts.join(","))).await?;
    put(catalog, settings, SECRET_KEY, &random_hex()?).await
}

/// Makes a new salt where Sluice keeps its own: every API key ends. Servers take it up at their
/// next start.
///
/// # Errors
/// CONFLICT when the salt is a setting, which nobody but its owner can change.
pub async fn rotate_api_key_salt(catalog: &Catalog, settings: &Settings) -> Result<()> {
    if settings.api_key_salt.is_some() {
        return Err(set_by_owner("API_KEY_SALT"));
    }
    put(catalog, settings, PEPPER, &random_hex()?).await
}

fn set_by_owner(variable: &str) -> Error {
    Error::new(
        Code::Conflict,
        format!(
            "{variable} is a setting, so that a new one has to be set where it stands: for example the output of: openssl rand -hex 32"
        ),
    )
}

async fn put(catalog: &Catalog, settings: &Settings, name: &str, secret: &Secret) -> Result<()> {
    if catalog.is_postgres() {
        return Ok(catalog.set_fact(name, secret.expose()).await?);
    }
    Ok(put_kept_secret(&settings.data_dir, name, secret).map_err(CatalogError::Folder)?)
}

fn refuse_short(variable: &str, secret: Option<&Secret>, min_chars: usize) -> Result<()> {
    match secret {
        Some(secret) if secret.expose().chars().count() < min_chars => {
            Err(Error::bad_input(format!(
                "{variable} is shorter than {min_chars} characters. Set a longer secret, for example the output of: openssl rand -hex 32"
            )))
        }
        _ => Ok(()),
    }
}

/// A secret of this data folder, made at the first start.
fn secret_of_file(data_dir: &Path, name: &str) -> std::io::Result<Secret> {
    let folder = secrets_folder(data_dir)?;
    let path = folder.join(name);
    match read_secret(&path) {
        Ok(secret) if secret.expose().len() >= MIN_SECRET_CHARS => Ok(secret),
        Ok(_) => Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            format!(
                "the file secrets/{name} is damaged: restore it from a backup, or remove it and do without what was made with it (keys, cursors)"
            ),
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret = random_hex().map_err(std::io::Error::other)?;
            let draft = write_draft(&folder, name, &secret)?;
            // Another process may have been first; then its secret counts.
            let linked = std::fs::hard_link(&draft, &path);
            std::fs::remove_file(&draft)?;
            match linked {
                Ok(()) => {
                    std::fs::File::open(&folder)?.sync_all()?;
                    Ok(secret)
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    read_secret(&path)
                }
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// A secret that this data folder keeps, if it does.
///
/// # Errors
/// When its file cannot be read.
pub(crate) fn kept_secret(data_dir: &Path, name: &str) -> std::io::Result<Option<Secret>> {
    match read_secret(&data_dir.join("secrets").join(name)) {
        Ok(secret) => Ok(Some(secret)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Keeps a secret in this data folder, in place of the one of its name.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn put_kept_secret(data_dir: &Path, name: &str, secret: &Secret) -> std::io::Result<()> {
    let folder = secrets_folder(data_dir)?;
    let draft = write_draft(&folder, name, secret)?;
    std::fs::rename(&draft, folder.join(name))?;
    std::fs::File::open(&folder)?.sync_all()
}

fn secrets_folder(data_dir: &Path) -> std::io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let folder = data_dir.join("secrets");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    Ok(folder)
}

/// A synced file beside the one that it is to become: a half-written pepper would lock everybody
/// out.
fn write_draft(folder: &Path, name: &str, secret: &Secret) -> std::io::Result<PathBuf> {
    use std::os::unix::fs::OpenOptionsExt;
    let draft = folder.join(format!("{name}.{}", uuid::Uuid::new_v4().simple()));
    let mut file =
        std::fs::File::options().create_new(true).write(true).mode(0o600).open(&draft)?;
    file.write_all(secret.expose().as_bytes())?;
    file.sync_all()?;
    Ok(draft)
}

fn read_secret(path: &Path) -> std::io::Result<Secret> {
    let text = Zeroizing::new(std::fs::read_to_string(path)?);
    Ok(Secret::new(text.trim()))
}

/// 32 random bytes as hexadecimal digits.
fn random_hex() -> Result<Secret> {
    let bytes = Zeroizing::new(random::<32>()?);
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
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
    fn a_secret_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = secret_of_file(folder.path(), PEPPER).unwrap();
        assert_eq!(first.expose().len(), 64);
        assert_eq!(secret_of_file(folder.path(), PEPPER).unwrap(), first);
        assert_ne!(secret_of_file(folder.path(), SECRET_KEY).unwrap(), first);
        for name in [PEPPER, SECRET_KEY] {
            let file = folder.path().join("secrets").join(name);
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(folder.path().join("secrets/api_key_salt"), "x").unwrap();
        assert!(secret_of_file(folder.path(), PEPPER).is_err());
    }
}
