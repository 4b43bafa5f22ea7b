//! Turns nested values of Parquet (lists, maps, structs) into JSON.
//! It exists because a column of ours holds one value a row, and JSON keeps what is inside.
//! It never invents a zone: a moment has one only where the file says that it is of UTC.

use parquet::basic::{LogicalType, Repetition, TimeUnit};
use parquet::record::Field;
use parquet::schema::types::Type;

use crate::physical::hex_of;
use crate::temporal::{MAX_DAY, MICROS_PER_DAY, MIN_DAY, write_timestamp};

/// Writes a nested value as JSON; what JSON has no word for is text.
pub(crate) fn write_json(out: &mut String, field: &Field, of: Option<&Type>) {
    match field {
        Field::Null => out.push_str("null"),
        Field::Group(row) => {
            let members = row.get_column_iter().enumerate();
            let members = members.map(|(place, (name, value))| {
                (name.clone(), value, of.and_then(|of| inner(of, place)))
            });
            write_members(out, members);
        }
        Field::ListInternal(list) => {
            let of = of.and_then(element_of);
            out.push('[');
            for (place, element) in list.elements().iter().enumerate() {
                if place > 0 {
                    out.push_str(", ");
                }
                write_json(out, element, of);
            }
            out.push(']');
        }
        Field::MapInternal(map) => {
            let entry = of.and_then(|of| inner(of, 0));
            let (key_of, value_of) =
                (entry.and_then(|entry| inner(entry, 0)), entry.and_then(|entry| inner(entry, 1)));
            let members = map.entries().iter().map(|(key, value)| {
                let mut name = String::new();
                write_json(&mut name, key, key_of);
                (serde_json::from_str(&name).unwrap_or(name), value, value_of)
            });
            write_members(out, members);
        }
        Field::Bool(_)
        | Field::Byte(_)
        | Field::Short(_)
        | Field::Int(_)
        | Field::UByte(_)
        | Field::UShort(_)
        | Field::UInt(_)
        | Field::ULong(_)
        | Field::Decimal(_) => out.push_str(&field.to_string()),
        Field::Long(value) | Field::TimestampMillis(value) | Field::TimestampMicros(value) => {
            match moment(field, *value, of) {
                Some(text) => push_quoted(out, &text),
                None => out.push_str(&value.to_string()),
            }
        }
        Field::Float(value) if value.is_finite() => {
            out.push_str(&crate::grid::number_text(f64::from(*value)));
        }
        Field::Double(value) if value.is_finite() => {
            out.push_str(&crate::grid::number_text(*value));
        }
        Field::Str(text) => push_quoted(out, text),
        Field::Bytes(bytes) => push_quoted(out, &hex_of(bytes.data())),
        other => push_quoted(out, &other.to_string()),
    }
}

fn inner(of: &Type, place: usize) -> Option<&Type> {
    (!of.is_primitive()).then(|| of.get_fields().get(place)).flatten().map(AsRef::as_ref)
}

/// Finds the type of a list's elements: below the group that repeats, where there is one.
fn element_of(of: &Type) -> Option<&Type> {
    let info = of.get_basic_info();
    if info.has_repetition() && info.repetition() == Repetition::REPEATED {
        return Some(of);
    }
    let repeated = inner(of, 0)?;
    let is_group = !repeated.is_primitive()
        && repeated.get_fields().len() == 1
        && repeated.name() != "array"
        && repeated.name() != format!("{}_tuple", of.name());
    if is_group { inner(repeated, 0) } else { Some(repeated) }
}

/// Writes a number as the moment it is, if it is one that the calendar has.
fn moment(field: &Field, value: i64, of: Option<&Type>) -> Option<String> {
    let logical = of.and_then(|of| of.get_basic_info().logical_type_ref());
    let (ticks, is_utc) = match (field, logical) {
        (Field::TimestampMillis(_), Some(LogicalType::Timestamp(time))) => {
            (1_000, time.is_adjusted_to_u_t_c)
        }
        (Field::TimestampMicros(_), Some(LogicalType::Timestamp(time))) => {
            (1_000_000, time.is_adjusted_to_u_t_c)
        }
        (Field::TimestampMillis(_), _) => (1_000, true),
        (Field::TimestampMicros(_), _) => (1_000_000, true),
        (_, Some(LogicalType::Timestamp(time))) if time.unit == TimeUnit::NANOS => {
            (1_000_000_000, time.is_adjusted_to_u_t_c)
        }
        _ => return None,
    };
    let (seconds, rest) = (value.div_euclid(ticks), value.rem_euclid(ticks));
    if !(i64::from(MIN_DAY)..=i64::from(MAX_DAY)).contains(&seconds.div_euclid(86_400)) {
        return None;
    }
    let micros = seconds.rem_euclid(86_400) * 1_000_000;
    let mut out = Vec::new();
    write_timestamp(&mut out, seconds.div_euclid(86_400) * MICROS_PER_DAY + micros);
    let mut text = String::from_utf8(out).ok()?;
    if rest > 0 {
        let fraction = format!("{:09}", rest * (1_000_000_000 / ticks));
        text.push('.');
        text.push_str(fraction.trim_end_matches('0'));
    }
    if is_utc {
        text.push('Z');
    }
    Some(text)
}

fn write_members<'f>(
    out: &mut String,
    members: impl Iterator<Item = (String, &'f Field, Option<&'f Type>)>,
) {
    out.push('{');
    for (place, (name, value, of)) in members.enumerate() {
        if place > 0 {
            out.push_str(", ");
        }
        push_quoted(out, &name);
        out.push_str(": ");
        write_json(out, value, of);
    }
    out.push('}');
}

fn push_quoted(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}
