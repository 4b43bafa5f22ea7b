//! Turns a block of whole records into the places of its cells, without copying.
//! It exists because this loop sees every byte of every file; an unquoted cell costs one search, nothing else.
//! It never decides what a cell means, and never fails: odd quoting is reported, not refused.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};

use crate::plan::Dialect;

/// The bytes that matter while scanning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks {
    /// Of a delimiter beyond ASCII, its first byte.
    pub(crate) delimiter: u8,
    /// The delimiter when it is beyond ASCII.
    pub(crate) wide: Option<char>,
    /// `None`: nothing is quoted.
    pub(crate) quote: Option<u8>,
    pub(crate) escape: Option<u8>,
    pub(crate) comment: Option<u8>,
    /// Whether blanks may stand around a quoted cell.
    pub(crate) padded: bool,
}

impl Marks {
    pub(crate) fn of(dialect: &Dialect) -> Self {
        let byte = |mark: char| u8::try_from(mark).ok().filter(u8::is_ascii);
        let mut bytes = [0; 4];
        let delimiter = dialect.delimiter.encode_utf8(&mut bytes).bytes().next().unwrap_or(b',');
        Self {
            delimiter,
            wide: Some(dialect.delimiter).filter(|mark| !mark.is_ascii()),
            quote: dialect.quote.and_then(byte),
            escape: dialect.escape.and_then(byte),
            comment: dialect.comment.and_then(byte),
            padded: dialect.padded_quotes,
        }
    }

    /// Returns the place after the blanks that may stand around a quoted cell.
    #[inline]
    pub(crate) fn pass_blanks(&self, text: &[u8], from: usize) -> usize {
        let mut at = from;
        while self.padded && text.get(at) == Some(&b' ') {
            at += 1;
        }
        at
    }

    /// Whether a cell that stood in quotes ends at a place: only a delimiter or a line end may follow.
    #[inline]
    pub(crate) fn ends_quoted(&self, text: &[u8], after_quote: usize) -> bool {
        let at = self.pass_blanks(text, after_quote);
        match text.get(at) {
            None | Some(b'\n' | b'\r') => true,
            Some(_) => self.delimiter_at(text, at) > 0,
        }
    }

    /// Returns how many bytes of the delimiter stand at a place: none, or all of it.
    #[inline]
    pub(crate) fn delimiter_at(&self, text: &[u8], at: usize) -> usize {
        if text.get(at) != Some(&self.delimiter) {
            return 0;
        }
        let Some(wide) = self.wide else { return 1 };
        let stands = text.get(at..).unwrap_or_default();
        if stands.starts_with(wide.encode_utf8(&mut [0; 4]).as_bytes()) {
            wide.len_utf8()
        } else {
            0
        }
    }
}

/// Where a cell stands in its block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CellSpan {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether it stood in quotes (which the span leaves out).
    pub(crate) quoted: bool,
    /// Whether quotes or escapes inside must be resolved.
    pub(crate) escaped: bool,
    /// Whether text follows the closing quote; the span then includes both quotes.
    pub(crate) malformed: bool,
}

/// What a record is, besides its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// Cells.
    Cells,
    /// An empty line (one empty, unquoted cell is in the list).
    Blank,
    /// A comment line (one cell holds it whole).
    Comment,
}

/// Walks over the records of a block.
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    marks: Marks,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a [u8], marks: Marks) -> Self {
        Self { text, at: 0, marks }
    }

    /// The byte where the next record begins.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Fills `cells` with the next record; `None` at the end.
    pub(crate) fn next_record(&mut self, cells: &mut Vec<CellSpan>) -> Option<Record> {
        cells.clear();
        let first = *self.text.get(self.at)?;
        if Some(first) == self.marks.comment {
            let start = self.at;
            let end = self.find_line_end(start);
            cells.push(CellSpan { start, end, ..CellSpan::default() });
            self.pass_line_end(end);
            return Some(Record::Comment);
        }
        loop {
            let start = self.at;
            let cell = match self.text.get(start) {
                Some(&byte) if Some(byte) == self.marks.quote => self.quoted_cell(start, byte),
                Some(b' ') if self.marks.padded => self.padded_cell(start),
                _ => self.plain_cell(start),
            };
            let after = if cell.quoted && !cell.malformed {
                self.marks.pass_blanks(self.text, cell.end + 1)
            } else {
                cell.end
            };
            cells.push(cell);
            match self.marks.delimiter_at(self.text, after) {
                n_bytes @ 1.. => self.at = after + n_bytes,
                0 => {
                    self.pass_line_end(after);
                    let blank = cells.len() == 1 && cell.start == cell.end && !cell.quoted;
                    return Some(if blank { Record::Blank } else { Record::Cells });
                }
            }
        }
    }

    fn rest(&self, from: usize) -> &'a [u8] {
        self.text.get(from..).unwrap_or_default()
    }

    fn find_cell_end(&self, from: usize) -> usize {
        let mut at = from;
        loop {
            let rest = self.rest(at);
            let end = at + memchr3(self.marks.delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
            // Other characters may begin with the first byte of a delimiter beyond ASCII.
            let is_other = self.marks.wide.is_some()
                && self.text.get(end) == Some(&self.marks.delimiter)
                && self.marks.delimiter_at(self.text, end) == 0;
            if !is_other {
                return end;
            }
            at = end + 1;
        }
    }

    fn plain_cell(&self, start: usize) -> CellSpan {
        let mut cell = CellSpan { start, end: self.find_cell_end(start), ..CellSpan::default() };
        let Some(escape) = self.marks.escape else {
            return cell;
        };
        // An escaped delimiter belongs to the cell; a line end is never escaped.
        while is_escaped(self.text, start, cell.end, escape)
            && self.marks.delimiter_at(self.text, cell.end) > 0
        {
            cell.end = self.find_cell_end(cell.end + 1);
        }
        cell.escaped = memchr(escape, self.text.get(start..cell.end).unwrap_or_default()).is_some();
        cell
    }

    fn find_line_end(&self, from: usize) -> usize {
        let rest = self.rest(from);
        from + memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())
    }

    fn pass_line_end(&mut self, end: usize) {
        self.at = match (self.text.get(end), self.text.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => end + 2,
            (Some(_), _) => end + 1,
            // A quote that is never closed has no byte after it.
            (None, _) => end.min(self.text.len()),
        };
    }

    /// A quote after blanks opens a cell only if it closes at the cell's end; else it is text.
    fn padded_cell(&self, start: usize) -> CellSpan {
        let open = self.marks.pass_blanks(self.text, start);
        match self.text.get(open) {
            Some(&byte) if Some(byte) == self.marks.quote => {
                let cell = self.quoted_cell(open, byte);
                let is_closed = cell.end < self.text.len();
                if is_closed && !cell.malformed { cell } else { self.plain_cell(start) }
            }
            _ => self.plain_cell(start),
        }
    }

    fn quoted_cell(&self, open: usize, quote: u8) -> CellSpan {
        let start = open + 1;
        let mut cell = CellSpan { start, end: start, quoted: true, ..CellSpan::default() };
        let mut at = start;
        loop {
            let rest = self.rest(at);
            let found = match self.marks.escape {
                None => memchr(quote, rest),
                Some(escape) => memchr2(quote, escape, rest),
            };
            let Some(found) = found else {
                cell.end = self.text.len();
                return cell;
            };
            let hit = at + found;
            let is_escape =
                self.text.get(hit).copied() == self.marks.escape && self.marks.escape.is_some();
            if is_escape || self.text.get(hit + 1) == Some(&quote) {
                cell.escaped = true;
                at = hit + 2;
                continue;
            }
            cell.end = hit;
            if !self.marks.ends_quoted(self.text, hit + 1) {
                cell = CellSpan {
                    start: open,
                    end: self.find_cell_end(hit + 1),
                    malformed: true,
                    ..cell
                };
            }
            return cell;
        }
    }
}

/// Whether an odd number of escapes stands before a byte, none of them before `from`.
pub(crate) fn is_escaped(text: &[u8], from: usize, at: usize, escape: u8) -> bool {
    let before = text.get(from..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == escape).count() % 2 == 1
}

/// Returns the text of a cell, quotes and escapes resolved.
pub(crate) fn cell_text<'a>(block: &'a str, cell: CellSpan, marks: Marks) -> Cow<'a, str> {
    // Spans begin and end beside ASCII characters, so that they are always character boundaries.
    let raw = block.get(cell.start..cell.end).unwrap_or_default();
    if !cell.escaped && !cell.malformed {
        return Cow::Borrowed(raw);
    }
    if !cell.quoted {
        return Cow::Owned(unescape(raw, marks));
    }
    let Some(quote) = marks.quote else {
        return Cow::Borrowed(raw);
    };
    Cow::Owned(unquote(raw, char::from(quote), marks.escape.map(char::from), cell.malformed))
}

/// Takes escapes away before delimiters, quotes and escapes; elsewhere a backslash is text.
fn unescape(raw: &str, marks: Marks) -> String {
    let delimiter = marks.wide.unwrap_or(char::from(marks.delimiter));
    let is_mark = |char: char| {
        char == delimiter
            || char.is_ascii() && [marks.quote, marks.escape].contains(&u8::try_from(char).ok())
    };
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(char) = chars.next() {
        if u8::try_from(char).ok() == marks.escape
            && let Some(next) = chars.next_if(|next| is_mark(*next))
        {
            out.push(next);
        } else {
            out.push(char);
        }
    }
    out
}

/// Resolves quotes; what follows a closing quote is kept as it stands.
fn unquote(raw: &str, quote: char, escape: Option<char>, with_quotes: bool) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    if with_quotes {
        chars.next();
    }
    while let Some(char) = chars.next() {
        if Some(char) == escape {
            match chars.next() {
                // Only quotes and the escape itself lose it: `C:\new` keeps its backslash.
                Some(next) if next == quote || Some(next) == escape => out.push(next),
                Some(next) => out.extend([char, next]),
                None => out.push(char),
            }
        } else if char == quote {
            if chars.peek() == Some(&quote) {
                chars.next();
                out.push(quote);
            } else {
                out.extend(chars);
                return out;
            }
        } else {
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: &[&[&str]]) {
        let marks = Marks::of(&Dialect::default());
        let mut scanner = Scanner::new(input.as_bytes(), marks);
        let mut cells = Vec::new();
        let mut records: Vec<Vec<String>> = Vec::new();
        while scanner.next_record(&mut cells).is_some() {
            records.push(
                cells.iter().map(|cell| cell_text(input, *cell, marks).into_owned()).collect(),
            );
        }
        assert_eq!(records, expect, "{input:?}");
    }

    #[test]
    fn records() {
        check("a,b\n1,2\n", &[&["a", "b"], &["1", "2"]]);
        check("a,b\r\n1,2", &[&["a", "b"], &["1", "2"]]);
        check("a\rb\r\nc\n\nd", &[&["a"], &["b"], &["c"], &[""], &["d"]]);
        check("a,\n,\n", &[&["a", ""], &["", ""]]);
        check("\"a,b\",\"c\nd\"\n", &[&["a,b", "c\nd"]]);
        check("\"a\"\"b\",\"\"\n", &[&["a\"b", ""]]);
        check("\"\"\"\"", &[&["\""]]);
        check("5\" pipe,x\n", &[&["5\" pipe", "x"]]);
        check("\"abc\"def,x\n", &[&["abcdef", "x"]]);
        check("\"a\"b\"c,d\"\n", &[&["ab\"c", "d\""]]);
        check("a,\"ü\",é\n", &[&["a", "ü", "é"]]);
        check("a,\"b", &[&["a", "b"]]);
        check("", &[]);
    }

    #[test]
    fn escapes() {
        let marks =
            Marks::of(&Dialect { escape: Some('\\'), comment: Some('#'), ..Dialect::default() });
        let input = "# note, x\n\"a\\\"b\",\"c\\\\\",\"d\\n\"\n";
        let mut scanner = Scanner::new(input.as_bytes(), marks);
        let mut cells = Vec::new();
        assert_eq!(scanner.next_record(&mut cells), Some(Record::Comment));
        assert_eq!(cells.len(), 1);
        assert_eq!(scanner.next_record(&mut cells), Some(Record::Cells));
        let texts: Vec<_> =
            cells.iter().map(|cell| cell_text(input, *cell, marks).into_owned()).collect();
        assert_eq!(texts, ["a\"b", "c\\", "d\\n"]);
    }

    #[test]
    fn delimiters_beyond_ascii() {
        let marks = Marks::of(&Dialect { delimiter: '§', ..Dialect::default() });
        let input = "a§b©\n\"c§d\"§\"e\"©\n©§\n";
        let mut scanner = Scanner::new(input.as_bytes(), marks);
        let mut cells = Vec::new();
        let mut records = Vec::new();
        while scanner.next_record(&mut cells).is_some() {
            let texts = cells.iter().map(|cell| cell_text(input, *cell, marks).into_owned());
            records.push(texts.collect::<Vec<_>>());
        }
        assert_eq!(records, [["a", "b©"], ["c§d", "e©"], ["©", ""]]);
    }
}
