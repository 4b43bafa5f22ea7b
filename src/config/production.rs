//! Tells what must not be so where strangers come: production refuses to start with any of it.
//!
//! Each finding is one sentence that names the setting and the remedy; all are told at once.
//! Permissions are looked at, contents are not.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Loaded, Secret};

/// A secret of production has as many characters as 16 random bytes in hexadecimal digits.
const MIN_SECRET_CHARS: usize = 32;
const MIN_DISTINCT_CHARS: usize = 8;
/// Characters that must be left of a secret once the words of examples are taken out.
const MIN_OWN_CHARS: usize = 16;
/// What secrets of examples and templates are made of, longer words first.
const EXAMPLE_WORDS: [&str; 34] = [
    "production",
    "development",
    "insecure",
    "password",
    "changeme",
    "example",
    "default",
    "replace",
    "unsafe",
    "sluice",
    "secret",
    "change",
    "please",
    "django",
    "before",
    "random",
    "string",
    "value",
    "token",
    "admin",
    "least",
    "until",
    "your",
    "salt",
    "this",
    "here",
    "test",
    "with",
    "key",
    "api",
    "dev",
    "the",
    "not",
    "me",
];
const REMEDY: &str = "for example the output of: openssl rand -hex 32";

/// What keeps these settings from being served to strangers; empty when nothing does.
pub fn dangers(loaded: &Loaded, dotenv: &Path) -> Vec<String> {
    let settings = &loaded.settings;
    let mut found = Vec::new();
    check_secret("SECRET_KEY", settings.secret_key.as_ref(), &mut found);
    check_secret("API_KEY_SALT", settings.api_key_salt.as_ref(), &mut found);
    if settings.secret_key.is_some() && settings.secret_key == settings.api_key_salt {
        found.push(
            "SECRET_KEY and API_KEY_SALT are the same; give each a secret of its own.".into(),
        );
    }
    if let Some(key) = &settings.admin_key
        && let Some(why) = weakness(key.expose())
    {
        found.push(format!("SLUICE_ADMIN_KEY {why}; set it to {REMEDY}, or leave it out."));
    }
    if settings.allowed_hosts.is_empty() {
        found.push(
            "ALLOWED_HOSTS is empty; set it to the names that clients call this server by, like api.example.com."
                .into(),
        );
    } else if settings.allowed_hosts.iter().any(|host| host == "*") {
        found.push(
            "ALLOWED_HOSTS is *, which takes any name; list the names that clients call this server by."
                .into(),
        );
    }
    if settings.debug {
        found.push("DEBUG is on; remove it, and set log to what you want logged.".into());
    }
    let folder = &settings.data_dir;
    if others_may(folder, 0o007) {
        let folder = folder.display();
        found.push(format!(
            "data_dir {folder} is open to every user of the machine; close it: chmod 700 {folder}"
        ));
    }
    // Other files matter where a secret stands in them.
    let key = settings.tls.key.as_deref().map(Path::new);
    for file in loaded.file_with_secrets().into_iter().chain([dotenv]).chain(key) {
        if others_may(file, 0o006) {
            let file = file.display();
            found.push(format!(
                "{file} can be read by every user of the machine; close it: chmod 600 {file}"
            ));
        }
    }
    found
}

fn check_secret(name: &str, secret: Option<&Secret>, found: &mut Vec<String>) {
    let Some(secret) = secret else {
        found.push(format!("{name} is missing; set it (or {name}_FILE) to a secret, {REMEDY}."));
        return;
    };
    if let Some(why) = weakness(secret.expose()) {
        found.push(format!("{name} {why}; set it to {REMEDY}."));
    }
}

/// Why a secret is none, if so.
fn weakness(secret: &str) -> Option<String> {
    let n_chars = secret.chars().count();
    if n_chars < MIN_SECRET_CHARS {
        return Some(format!("has {n_chars} characters, fewer than {MIN_SECRET_CHARS}"));
    }
    let mut distinct: Vec<char> = secret.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < MIN_DISTINCT_CHARS {
        return Some("repeats a few characters".to_owned());
    }
    let mut own = secret.to_ascii_lowercase();
    for word in EXAMPLE_WORDS {
        own = own.replace(word, " ");
    }
    if own.chars().filter(|c| c.is_alphanumeric()).count() < MIN_OWN_CHARS {
        return Some("is made of the words of an example".to_owned());
    }
    None
}

/// Whether a file or folder is there and users who neither own it nor share its group have one of
/// these permissions.
fn others_may(path: &Path, mode: u32) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & mode != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_no_secrets() {
        let check = |secret: &str, is_good: bool| {
            assert_eq!(weakness(secret).is_none(), is_good, "{secret}: {:?}", weakness(secret));
        };
        check("4f1c9d0e7a3b58266d0f9be1c2a47583", true);
        check("Zk3-x9QpLw_7rTvB2nYc8Hd5Jf1Gs6Aa", true);
        check("test-secret-key-0f8e1c9d7a3b5826", true);
        check("4f1c9d0e7a3b58266d0f9be1c2a4758", false);
        check("changeme", false);
        check("change-me-change-me-change-me-change-me", false);
        check("please-change-this-secret-key-before-production", false);
        check("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false);
        check("0101010101010101010101010101010101010101", false);
    }
}
