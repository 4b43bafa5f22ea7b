//! What the catalog's tables have seen, and how they go forward and back; opens nothing else.

use sluice_migration::Status;

use super::CatalogError;
use super::connect::{connect_only, own_folder};
use crate::config::Settings;

/// What the catalog that the settings name has seen; one that does not exist has seen nothing, and
/// is not made.
///
/// # Errors
/// When the database is away or refuses.
pub async fn status(settings: &Settings) -> Result<Status, CatalogError> {
    if settings.database_url.is_none() && !settings.data_dir.join("catalog.db").is_file() {
        return Ok(Status { pending: sluice_migration::names(), ..Status::default() });
    }
    Ok(sluice_migration::status(&connect_only(settings).await?.read).await?)
}

/// Brings the catalog to the present state, as a start does; gives what it had not seen.
///
/// # Errors
/// Locked while a server uses the data folder; Newer when a newer release was there.
pub async fn up(settings: &Settings) -> Result<Vec<String>, CatalogError> {
    let _owner = owner(settings)?;
    let connections = connect_only(settings).await?;
    let pending = sluice_migration::status(&connections.write).await?.pending;
    sluice_migration::migrate(&connections.write).await?;
    Ok(pending)
}

/// Undoes all migrations after this one; gives their names, newest first. What they added is lost.
///
/// # Errors
/// Locked while a server uses the data folder; NotFound when the catalog has not seen that one.
pub async fn down_to(settings: &Settings, name: &str) -> Result<Vec<String>, CatalogError> {
    let _owner = owner(settings)?;
    let connections = connect_only(settings).await?;
    Ok(sluice_migration::down_to(&connections.write, name).await?)
}

/// On PostgreSQL a lock in the database keeps migrations apart.
fn owner(settings: &Settings) -> Result<Option<std::fs::File>, CatalogError> {
    match settings.database_url {
        Some(_) => Ok(None),
        None => own_folder(&settings.data_dir).map(Some),
    }
}
