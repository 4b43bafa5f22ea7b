//! Turns files that hold several tables (workbooks, zip archives) into one plan for each table.
//! It exists so that no second sheet is ever ignored: what is left out is told, with the reason.
//! It never unpacks to disk, and counts what an archive claims before opening it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use crate::decode::PLAIN_UTF8;
use crate::delimited::{TableError, Wishes, understand_delimited};
use crate::error::SchemaError;
use crate::options::Limits;
use crate::parts::{CheckedParts, check_last, check_parts};
use crate::plan::{Container, Notice, NoticeCode, SheetPlan, WorkbookKind};
use crate::source::{Inner, TextPlace, damaged_archive};
use crate::workbook::{Merged, SheetSource, WorkbookFile, kind_of_members};

/// Understands a zip file: a workbook, or an archive of tables.
pub(crate) fn understand_zip(
    path: &Path,
    wishes: Wishes<'_>,
) -> Result<Vec<SheetPlan>, SchemaError> {
    let mut archive =
        zip::ZipArchive::new(BufReader::new(File::open(path)?)).map_err(damaged_archive)?;
    check_claims(&mut archive, path, wishes.limits)?;
    let names: Vec<String> =
        archive.file_names().flatten().map(std::borrow::Cow::into_owned).collect();
    if let Some(what) = other_package(&mut archive, &names)? {
        return Err(SchemaError::Unsupported {
            what: what.to_owned(),
            remedy: "copy the table into a spreadsheet and send that".to_owned(),
        });
    }
    if let Some(kind) = kind_of_members(names.iter().map(String::as_str)) {
        let parts = check_parts(&mut archive, kind, wishes.limits)?;
        drop(archive);
        return understand_packed(path, kind, &parts, wishes);
    }
    understand_members(path, &mut archive, wishes)
}

/// Understands a workbook while the last of its parts is checked.
fn understand_packed(
    path: &Path,
    kind: WorkbookKind,
    parts: &CheckedParts,
    wishes: Wishes<'_>,
) -> Result<Vec<SheetPlan>, SchemaError> {
    let CheckedParts { has_merged_cells, last } = parts;
    let Some(last) = last else {
        let merged = Merged { is_known: *has_merged_cells, ahead: None };
        return understand_workbook(path, kind, merged, wishes);
    };
    let merged = Merged { is_known: *has_merged_cells, ahead: Some(Arc::clone(&last.ahead)) };
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("check".to_owned());
        let check = || check_last(path, last, wishes.limits);
        let checking = builder.spawn_scoped(scope, check)?;
        let understood = understand_workbook(path, kind, merged, wishes);
        if matches!(understood, Err(SchemaError::Cancelled)) {
            last.ahead.give_up();
            return understood;
        }
        // What the parser says of a part that is refused says nothing.
        checking.join().unwrap_or(Err(SchemaError::Worker))?;
        understood
    })
}

/// Tells which kind of package an archive is that holds no tables.
fn other_package(
    archive: &mut zip::ZipArchive<BufReader<File>>,
    names: &[String],
) -> Result<Option<&'static str>, SchemaError> {
    let begins = |start: &str| names.iter().any(|name| name.starts_with(start));
    if begins("word/") || begins("ppt/") {
        return Ok(Some("a Word or PowerPoint document"));
    }
    if names.iter().any(|name| name == "AndroidManifest.xml" || name == "META-INF/MANIFEST.MF") {
        return Ok(Some("a program (a Java or Android archive)"));
    }
    let Some(index) = names.iter().position(|name| name == "mimetype") else {
        return Ok(None);
    };
    let mut mime = String::new();
    let member = archive.by_index(index).map_err(damaged_archive)?;
    member.take(256).read_to_string(&mut mime).map_err(damaged_archive)?;
    let is_office = mime.starts_with("application/vnd.oasis.opendocument.");
    Ok(match is_office {
        true if mime.contains("opendocument.spreadsheet") => None,
        true => Some("an OpenDocument document that is no spreadsheet"),
        false if mime.starts_with("application/epub") => Some("an electronic book"),
        false => None,
    })
}

fn check_claims(
    archive: &mut zip::ZipArchive<BufReader<File>>,
    path: &Path,
    limits: &Limits,
) -> Result<(), SchemaError> {
    let limit_of = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    if archive.len() > limits.max_members {
        return Err(SchemaError::Limit {
            name: "members of an archive",
            limit: limit_of(limits.max_members),
            found: limit_of(archive.len()),
            row: None,
        });
    }
    let n_packed = std::fs::metadata(path)?.len();
    let mut n_unpacked = 0_u64;
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(damaged_archive)?;
        n_unpacked = n_unpacked.saturating_add(member.size());
    }
    let by_ratio = n_packed.saturating_mul(limits.max_unpack_ratio).max(1024 * 1024);
    let limit = by_ratio.min(limits.max_unpacked_bytes);
    if n_unpacked > limit {
        return Err(SchemaError::Limit {
            name: "unpacked bytes of an archive",
            limit,
            found: n_unpacked,
            row: None,
        });
    }
    Ok(())
}

fn understand_members(
    path: &Path,
    archive: &mut zip::ZipArchive<BufReader<File>>,
    wishes: Wishes<'_>,
) -> Result<Vec<SheetPlan>, SchemaError> {
    let mut plans: Vec<SheetPlan> = Vec::new();
    let mut skipped: Vec<Notice> = Vec::new();
    let mut last_error = None;
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(damaged_archive)?;
        let name = member.name().map_err(damaged_archive)?.into_owned();
        let (is_file, is_encrypted) = (member.is_file(), member.encrypted());
        drop(member);
        let is_wanted = wishes.options.sheets.as_ref().is_none_or(|wanted| wanted.contains(&name));
        let base = name.rsplit('/').next().unwrap_or(&name).to_owned();
        if !is_file || !is_wanted || base.starts_with('.') || name.starts_with("__MACOSX/") {
            continue;
        }
        let result = match is_encrypted {
            true => Err(SchemaError::Unsupported {
                what: "a member protected by a password".to_owned(),
                remedy: "pack it without a password".to_owned(),
            }),
            false => crate::understand_text(path, &Container::Zip { index }, wishes),
        };
        match result {
            Ok(found) => {
                let is_one = found.len() == 1;
                plans.extend(found.into_iter().map(|plan| SheetPlan {
                    name: Some(match plan.name {
                        Some(inner) if !is_one => format!("{name} {inner}"),
                        _ => name.clone(),
                    }),
                    ..plan
                }));
            }
            Err(SchemaError::Cancelled) => return Err(SchemaError::Cancelled),
            Err(error @ SchemaError::Limit { .. }) => return Err(error),
            Err(error) => {
                skipped.push(Notice::new(
                    NoticeCode::SkippedMember,
                    format!("the member {name:?} was left out: {error}"),
                ));
                last_error = Some(error);
            }
        }
        check_sheets(plans.len(), wishes.limits)?;
    }
    finish(plans, skipped, last_error, "the archive holds no table")
}

fn check_sheets(n_sheets: usize, limits: &Limits) -> Result<(), SchemaError> {
    if n_sheets <= limits.max_sheets {
        return Ok(());
    }
    let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    Err(SchemaError::Limit {
        name: "sheets",
        limit: number(limits.max_sheets),
        found: number(n_sheets),
        row: None,
    })
}

/// Understands the visible sheets of a workbook, or those that the caller names.
pub(crate) fn understand_workbook(
    path: &Path,
    kind: WorkbookKind,
    merged: Merged,
    wishes: Wishes<'_>,
) -> Result<Vec<SheetPlan>, SchemaError> {
    let workbook = WorkbookFile::open(path, kind, merged)?;
    let entries = workbook.sheets();
    check_sheets(entries.len(), wishes.limits)?;
    let wanted = wishes.options.sheets.as_deref();
    if let Some(unknown) = wanted
        .iter()
        .copied()
        .flatten()
        .find(|name| !entries.iter().any(|entry| entry.name == **name))
    {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        return Err(SchemaError::BadOption {
            found: format!("there is no sheet {unknown:?}"),
            remedy: format!("the sheets are: {}", names.join(", ")),
        });
    }
    let mut plans = Vec::new();
    let mut skipped = Vec::new();
    let mut last_error = None;
    for entry in entries {
        let name = entry.name;
        let is_wanted = match wanted {
            Some(wanted) => wanted.contains(&name),
            None => entry.is_visible,
        };
        let skip = |code, why: &str| Notice {
            sheet: Some(name.clone()),
            ..Notice::new(code, format!("the sheet {name:?} {why}"))
        };
        if !is_wanted {
            if !entry.is_visible {
                skipped.push(skip(
                    NoticeCode::HiddenSheet,
                    "is hidden and was left out; name it to read it",
                ));
            }
            continue;
        }
        if !entry.is_worksheet {
            skipped.push(skip(
                NoticeCode::EmptySheet,
                "holds a chart or a macro, no cells; it was left out",
            ));
            continue;
        }
        match understand_sheet(path, &workbook.sheet(&name), wishes) {
            Ok(plan) => plans.push(plan),
            Err(SchemaError::Rejected { row: None, found, .. })
                if found == crate::delimited::EMPTY =>
            {
                skipped.push(skip(NoticeCode::EmptySheet, "is empty and was left out"));
            }
            Err(error) => {
                if !matches!(error, SchemaError::Rejected { .. }) {
                    return Err(error);
                }
                skipped.push(skip(NoticeCode::EmptySheet, &format!("was left out: {error}")));
                last_error = Some(error);
            }
        }
    }
    finish(plans, skipped, last_error, "the workbook holds no visible sheet with cells")
}

fn understand_sheet(
    path: &Path,
    sheet: &SheetSource,
    wishes: Wishes<'_>,
) -> Result<SheetPlan, SchemaError> {
    let place = TextPlace {
        path,
        container: &Container::Plain,
        encoding: PLAIN_UTF8,
        limits: wishes.limits,
        faults: Some(&Arc::default()),
        inner: Inner::Sheet { sheet },
    };
    let mut plan = understand_delimited(place, wishes).map_err(TableError::into_schema)?;
    plan.name = Some(sheet.name().to_owned());
    let facts = sheet.take_facts();
    plan.notices.extend(facts.notices(&plan.columns));
    plan.notices.extend(facts.shown.note(&mut plan.columns, plan.n_rows));
    for notice in &mut plan.notices {
        notice.sheet = Some(sheet.name().to_owned());
    }
    Ok(plan)
}

fn finish(
    mut plans: Vec<SheetPlan>,
    skipped: Vec<Notice>,
    last_error: Option<SchemaError>,
    nothing: &str,
) -> Result<Vec<SheetPlan>, SchemaError> {
    let Some(first) = plans.first_mut() else {
        return Err(last_error.unwrap_or_else(|| SchemaError::Rejected {
            row: None,
            found: nothing.to_owned(),
            remedy: "send a file with at least one table".to_owned(),
        }));
    };
    first.notices.extend(skipped);
    Ok(plans)
}
