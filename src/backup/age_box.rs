//! Seals the secrets of a backup, and opens them: by the age format, <https://age-encryption.org/v1>.

use std::path::Path;

use age::secrecy::SecretString;
use zeroize::Zeroizing;

use super::BackupError;

/// Seals for somebody.
pub struct Sealer(Lock);

enum Lock {
    Recipients(Vec<age::x25519::Recipient>),
    Passphrase(SecretString),
}

impl Sealer {
    /// For the owners of these public keys (`age1…`).
    ///
    /// # Errors
    /// When one is none.
    pub fn for_recipients(keys: &[String]) -> Result<Sealer, BackupError> {
        let parsed = keys.iter().map(|key| {
            key.parse().map_err(|_| {
                BackupError::Secrets(format!(
                    "{key} is no public key of age; `age-keygen` makes one, age1…"
                ))
            })
        });
        Ok(Sealer(Lock::Recipients(parsed.collect::<Result<_, _>>()?)))
    }

    /// For whoever knows the passphrase in the first line of this file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds fewer than 12 characters.
    pub fn with_passphrase(file: &Path) -> Result<Sealer, BackupError> {
        Ok(Sealer(Lock::Passphrase(passphrase_of(file)?)))
    }

    pub(super) fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>, BackupError> {
        let failed = |_| BackupError::Secrets("the secrets could not be sealed".to_owned());
        let encryptor = match &self.0 {
            Lock::Recipients(keys) => {
                age::Encryptor::with_recipients(keys.iter().map(|key| key as _)).map_err(failed)?
            }
            Lock::Passphrase(passphrase) => {
                age::Encryptor::with_user_passphrase(passphrase.clone())
            }
        };
        let mut sealed = Vec::new();
        let io = BackupError::io("the secrets could not be sealed");
        let written = encryptor.wrap_output(&mut sealed).and_then(|mut writer| {
            std::io::Write::write_all(&mut writer, bytes)?;
            writer.finish()
        });
        written.map_err(io)?;
        Ok(sealed)
    }
}

/// Opens what was sealed.
pub struct Opener(Key);

enum Key {
    Identities(Vec<Box<dyn age::Identity + Send + Sync>>),
    Passphrase(SecretString),
}

impl Opener {
    /// With the private keys in this file, as `age-keygen` writes it.
    ///
    /// # Errors
    /// When the file cannot be read or holds none.
    pub fn with_identities(file: &Path) -> Result<Opener, BackupError> {
        let shown = file.display().to_string();
        let doing = format!("{shown} cannot be read as a file of private keys of age");
        let found = age::IdentityFile::from_file(shown).map_err(BackupError::io(doing.clone()))?;
        let identities = found.into_identities().map_err(|_| BackupError::Secrets(doing))?;
        Ok(Opener(Key::Identities(identities)))
    }

    /// With the passphrase in the first line of this file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds fewer than 12 characters.
    pub fn with_passphrase(file: &Path) -> Result<Opener, BackupError> {
        Ok(Opener(Key::Passphrase(passphrase_of(file)?)))
    }

    pub(super) fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackupError> {
        let opened = match &self.0 {
            Key::Identities(identities) => {
                open_with(sealed, identities.iter().map(|it| &**it as _))
            }
            Key::Passphrase(passphrase) => {
                let identity = age::scrypt::Identity::new(passphrase.clone());
                open_with(sealed, std::iter::once(&identity as &dyn age::Identity))
            }
        };
        opened.ok_or_else(|| {
            BackupError::Secrets(
                "the secrets of the archive do not open with this; give the identity or the passphrase that they were sealed for"
                    .to_owned(),
            )
        })
    }
}

fn open_with<'a>(
    sealed: &[u8],
    identities: impl Iterator<Item = &'a dyn age::Identity>,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut reader = age::Decryptor::new(sealed).ok()?.decrypt(identities).ok()?;
    let mut opened = Zeroizing::new(Vec::new());
    std::io::Read::read_to_end(&mut reader, &mut opened).ok()?;
    Some(opened)
}

fn passphrase_of(file: &Path) -> Result<SecretString, BackupError> {
    const MIN_CHARS: usize = 12;
    let doing = format!("{} cannot be read", file.display());
    let text = Zeroizing::new(std::fs::read_to_string(file).map_err(BackupError::io(doing))?);
    let line = text.lines().next().unwrap_or_default().trim();
    if line.chars().count() < MIN_CHARS {
        return Err(BackupError::Secrets(format!(
            "the first line of {} is shorter than {MIN_CHARS} characters; give a longer passphrase",
            file.display()
        )));
    }
    Ok(SecretString::from(line.to_owned()))
}
