//! Writes a page of a Relay connection as JSON: edges, nodes and page info over gathered rows.
//!
//! The rows of a page are gathered into one value, one more than asked for, so that a single
//! statement tells whether there are others. A page read backwards comes in reverse and is turned
//! around here.

use super::cursor::CursorSeal;
use super::json::{BadCell, CellKind, Cells, RowShape, write_object};

/// Where the gathered rows stand in the one row that answers a connection,
pub const ROWS: usize = 0;
/// the number of rows asked for,
pub const SIZE: usize = 1;
/// and the number of all rows.
pub const TOTAL: usize = 2;

/// How the rows of a page were read.
#[derive(Clone, Debug)]
pub struct Page {
    /// The last rows, last one first.
    pub is_reversed: bool,
    /// Begins behind a cursor: there is something before it.
    pub has_after: bool,
    /// Ends before a cursor: there is something behind it.
    pub has_before: bool,
    /// Signs cursors.
    pub seal: CursorSeal,
    /// The sort values in gathered rows.
    pub sort_cells: Vec<(usize, CellKind)>,
}

/// What is written of a page.
#[derive(Clone, Debug)]
pub enum PagePart {
    /// `edges`
    Edges(Vec<(Box<[u8]>, EdgeCell)>),
    /// `nodes`
    Nodes(RowShape),
    /// `pageInfo`
    Info(Vec<(Box<[u8]>, InfoCell)>),
}

/// A field of an edge.
#[derive(Clone, Debug)]
pub enum EdgeCell {
    /// `cursor`
    Cursor,
    /// `node`
    Node(RowShape),
    /// Finished JSON.
    Literal(Box<[u8]>),
}

/// A field of `pageInfo`.
#[derive(Clone, Debug)]
pub enum InfoCell {
    /// `hasNextPage`
    HasNextPage,
    /// `hasPreviousPage`
    HasPreviousPage,
    /// `startCursor`
    StartCursor,
    /// `endCursor`
    EndCursor,
    /// Finished JSON.
    Literal(Box<[u8]>),
}

/// Appends a part of a page of at most `size` rows.
///
/// # Errors
/// When a row does not fit the shape.
pub fn write_part<R: Cells>(
    page: &Page,
    part: &PagePart,
    gathered: &[R],
    size: usize,
    out: &mut Vec<u8>,
) -> Result<(), BadCell> {
    let rows = gathered.get(..size).unwrap_or(gathered);
    match part {
        PagePart::Edges(fields) => {
            write_list(page, rows, out, |row, out| write_edge(page, fields, row, out))
        }
        PagePart::Nodes(shape) => {
            write_list(page, rows, out, |row, out| write_object(row, shape, out))
        }
        PagePart::Info(fields) => {
            let (first, last) = match page.is_reversed {
                false => (rows.first(), rows.last()),
                true => (rows.last(), rows.first()),
            };
            let has_more = gathered.len() > size;
            let truth = |is: bool| if is { b"true".as_slice() } else { b"false" };
            write_fields(fields, out, |cell, out| {
                match cell {
                    InfoCell::HasNextPage => out.extend_from_slice(truth(
                        page.has_before || (has_more && !page.is_reversed),
                    )),
                    InfoCell::HasPreviousPage => out
                        .extend_from_slice(truth(page.has_after || (has_more && page.is_reversed))),
                    InfoCell::StartCursor => write_cursor(page, first, out)?,
                    InfoCell::EndCursor => write_cursor(page, last, out)?,
                    InfoCell::Literal(json) => out.extend_from_slice(json),
                }
                Ok(())
            })
        }
    }
}

fn write_list<R: Cells>(
    page: &Page,
    rows: &[R],
    out: &mut Vec<u8>,
    mut write: impl FnMut(&R, &mut Vec<u8>) -> Result<(), BadCell>,
) -> Result<(), BadCell> {
    out.push(b'[');
    for position in 0..rows.len() {
        if position > 0 {
            out.push(b',');
        }
        let place = if page.is_reversed { rows.len() - 1 - position } else { position };
        write(rows.get(place).ok_or(BadCell(place))?, out)?;
    }
    out.push(b']');
    Ok(())
}

fn write_edge<R: Cells>(
    page: &Page,
    fields: &[(Box<[u8]>, EdgeCell)],
    row: &R,
    out: &mut Vec<u8>,
) -> Result<(), BadCell> {
    write_fields(fields, out, |cell, out| match cell {
        EdgeCell::Cursor => write_cursor(page, Some(row), out),
        EdgeCell::Node(shape) => write_object(row, shape, out),
        EdgeCell::Literal(json) => {
            out.extend_from_slice(json);
            Ok(())
        }
    })
}

fn write_fields<C>(
    fields: &[(Box<[u8]>, C)],
    out: &mut Vec<u8>,
    mut write: impl FnMut(&C, &mut Vec<u8>) -> Result<(), BadCell>,
) -> Result<(), BadCell> {
    out.push(b'{');
    for (position, (key, cell)) in fields.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(key);
        write(cell, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_cursor<R: Cells>(page: &Page, row: Option<&R>, out: &mut Vec<u8>) -> Result<(), BadCell> {
    let Some(row) = row else {
        out.extend_from_slice(b"null");
        return Ok(());
    };
    let mut values = Vec::with_capacity(64);
    for (position, (index, kind)) in page.sort_cells.iter().enumerate() {
        if position > 0 {
            values.push(b',');
        }
        // A double as text: a JSON parser may be off by its last bit.
        let quote: &[u8] = if *kind == CellKind::Float { b"\"" } else { b"" };
        values.extend_from_slice(quote);
        let start = values.len();
        row.write(*index, *kind, &mut values)?;
        if values.get(start..) == Some(b"null".as_slice()) {
            values.truncate(start - quote.len());
            values.extend_from_slice(b"null");
        } else {
            values.extend_from_slice(quote);
        }
    }
    out.push(b'"');
    page.seal.write(&values, out);
    out.push(b'"');
    Ok(())
}
