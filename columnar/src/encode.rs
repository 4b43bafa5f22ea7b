//! Turns collected columns into what a chunk is made of.
//!
//! Whole numbers become a base, the smallest, and offsets in as few bytes as the largest takes.
//! Doubles and texts stay as they were collected. What is true of all values (smallest, largest)
//! is found out in the same pass.

use crate::Failure;
use crate::block::Cells;
use crate::chunk::{Column, Floats, Offsets, Texts, Values, Whole};

/// Numbers without sign in as many bytes as the largest takes.
#[derive(Debug)]
pub(crate) enum Packed {
    Zero,
    Steps,
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
}

/// Whole numbers, packed.
#[derive(Debug)]
pub(crate) struct Numbers {
    min: i64,
    max: i64,
    packed: Packed,
}

/// What is to be known of a collected column, and packed numbers.
#[derive(Debug)]
pub(crate) enum Facts {
    Whole(Numbers),
    Float { min: f64, max: f64, has_negative_zero: bool },
    Text { is_ascii: bool },
}

/// What an offset of zero stands for: the smallest value, if there is one.
pub(crate) fn base(min: i64, max: i64) -> i64 {
    if min <= max { min } else { 0 }
}

impl Packed {
    /// Packs what `offset` makes of each value; it is at most `largest` but where a value is
    /// missing, of which anything may be left.
    #[expect(clippy::cast_possible_truncation, reason = "none is above the largest, which fits")]
    fn pack<T: Copy>(values: &[T], largest: u64, offset: impl Fn(T) -> u64) -> Packed {
        let offsets = values.iter().map(|value| offset(*value));
        match largest {
            0 => Packed::Zero,
            1..=0xFF => Packed::U8(offsets.map(|offset| offset as u8).collect()),
            0x100..=0xFFFF => Packed::U16(offsets.map(|offset| offset as u16).collect()),
            0x1_0000..=0xFFFF_FFFF => Packed::U32(offsets.map(|offset| offset as u32).collect()),
            _ => Packed::U64(offsets.collect()),
        }
    }

    /// Packs places in a dictionary.
    pub(crate) fn of_codes(codes: &[u32]) -> Packed {
        let largest = codes.iter().max().copied().unwrap_or(0);
        Packed::pack(codes, u64::from(largest), u64::from)
    }

    pub(crate) fn view(&self) -> Offsets<'_> {
        match self {
            Packed::Zero => Offsets::Zero,
            Packed::Steps => Offsets::Steps,
            Packed::U8(offsets) => Offsets::U8(offsets),
            Packed::U16(offsets) => Offsets::U16(offsets),
            Packed::U32(offsets) => Offsets::U32(offsets),
            Packed::U64(offsets) => Offsets::U64(offsets),
        }
    }

    fn n_bytes(&self) -> usize {
        match self {
            Packed::Zero | Packed::Steps => 0,
            Packed::U8(offsets) => offsets.len(),
            Packed::U16(offsets) => size_of_val(offsets.as_slice()),
            Packed::U32(offsets) => size_of_val(offsets.as_slice()),
            Packed::U64(offsets) => size_of_val(offsets.as_slice()),
        }
    }
}

impl Numbers {
    /// Packs numbers of which some may be missing.
    pub(crate) fn of(values: &[i64], nulls: Option<&[u64]>) -> Numbers {
        let (mut min, mut max) = (i64::MAX, i64::MIN);
        each_present(values, nulls, |value| {
            min = min.min(value);
            max = max.max(value);
        });
        let base = base(min, max);
        let steps = || {
            let mut places = (0_i64..).zip(values);
            nulls.is_none() && places.all(|(place, value)| value.wrapping_sub(base) == place)
        };
        let packed = match max.wrapping_sub(min).cast_unsigned() {
            _ if min > max => Packed::Zero,
            0 => Packed::Zero,
            _ if steps() => Packed::Steps,
            largest => {
                Packed::pack(values, largest, |value| value.wrapping_sub(base).cast_unsigned())
            }
        };
        Numbers { min, max, packed }
    }

    /// Memory that the offsets take, in bytes.
    pub(crate) fn n_bytes(&self) -> usize {
        self.packed.n_bytes()
    }

    pub(crate) fn view(&self) -> Whole<'_> {
        Whole {
            base: base(self.min, self.max),
            offsets: self.packed.view(),
            min: self.min,
            max: self.max,
        }
    }
}

/// Passes the values that are not missing.
fn each_present<T: Copy>(values: &[T], nulls: Option<&[u64]>, mut take: impl FnMut(T)) {
    let Some(nulls) = nulls else {
        values.iter().for_each(|value| take(*value));
        return;
    };
    for (values, word) in values.chunks(64).zip(nulls) {
        for (bit, value) in values.iter().enumerate() {
            if word >> bit & 1 == 0 {
                take(*value);
            }
        }
    }
}

impl Facts {
    pub(crate) fn of(cells: &Cells, nulls: Option<&[u64]>) -> Facts {
        match cells {
            Cells::Whole(values) => Facts::Whole(Numbers::of(values, nulls)),
            Cells::Float(values) => {
                let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
                let mut has_negative_zero = false;
                each_present(values, nulls, |value| {
                    min = min.min(value);
                    max = max.max(value);
                    has_negative_zero |= value.to_bits() == (-0.0_f64).to_bits();
                });
                Facts::Float { min, max, has_negative_zero }
            }
            Cells::Text { bytes, .. } => Facts::Text { is_ascii: bytes.is_ascii() },
        }
    }

    /// The column that these facts are of; its whole numbers are in the facts.
    pub(crate) fn view<'a>(
        &'a self,
        cells: &'a Cells,
        nulls: Option<&'a [u64]>,
        n_nulls: usize,
    ) -> Result<Column<'a>, Failure> {
        let values = match (self, cells) {
            (Facts::Whole(numbers), Cells::Whole(_)) => Values::Whole(numbers.view()),
            (&Facts::Float { min, max, has_negative_zero }, Cells::Float(values)) => {
                Values::Float(Floats { values, min, max, has_negative_zero })
            }
            (&Facts::Text { is_ascii }, Cells::Text { ends, bytes }) => {
                Values::Text(Texts { ends, bytes, is_ascii })
            }
            _ => return Err(Failure::Mistaken),
        };
        Ok(Column { nulls, n_nulls, values })
    }
}
