//! The smallest or the largest value of a column in each group.

use crate::Failure;
use crate::answer::Finished;
use crate::chunk::{Column, Values};
use crate::gather::{each_row, gather, gather_missing, gather_whole};
use crate::measure::{Batch, Room, grow};

/// The smallest or the largest value of a column in each group.
pub(crate) struct Extreme {
    column: usize,
    is_max: bool,
    best: Best,
    missing: Vec<bool>,
    /// Bytes of texts.
    n_bytes: usize,
}

/// The best values so far. Numbers that nothing is worse than stand for none.
enum Best {
    Unknown,
    Whole(Vec<i64>),
    Float(Vec<f64>),
    Text(Vec<Option<Box<[u8]>>>),
}

impl Extreme {
    pub(crate) fn new(column: usize, is_max: bool) -> Extreme {
        Extreme { column, is_max, best: Best::Unknown, missing: Vec::new(), n_bytes: 0 }
    }

    pub(crate) fn is_of(&self, column: usize, is_max: bool) -> bool {
        self.column == column && self.is_max == is_max
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Mistaken; Unfit for `-0.0`, of which a row store shows the first zero that it meets.
    pub(crate) fn add(&mut self, batch: Batch<'_>, room: &mut Room) -> Result<(), Failure> {
        let column = batch.chunk.columns.get(self.column).ok_or(Failure::Mistaken)?;
        gather_missing(column, batch.picks, &mut self.missing);
        if matches!(self.best, Best::Unknown) {
            self.best = Best::of(column);
        }
        let (worst_whole, worst_float) = self.worst();
        let is_max = self.is_max;
        match (&mut self.best, &column.values) {
            (Best::Whole(best), Values::Whole(numbers)) => {
                gather_whole(numbers, batch.picks, &mut room.wholes);
                grow(best, batch.n_groups, worst_whole);
                forget(&mut room.wholes, &self.missing, worst_whole);
                match is_max {
                    true => improve(best, batch.ids, &room.wholes, |new, old| new > old),
                    false => improve(best, batch.ids, &room.wholes, |new, old| new < old),
                }
            }
            (Best::Float(best), Values::Float(numbers)) => {
                if numbers.has_negative_zero {
                    return Err(Failure::Unfit);
                }
                gather(numbers.values, batch.picks, &mut room.floats, |value| value);
                grow(best, batch.n_groups, worst_float);
                forget(&mut room.floats, &self.missing, worst_float);
                match is_max {
                    true => improve(best, batch.ids, &room.floats, |new, old| new > old),
                    false => improve(best, batch.ids, &room.floats, |new, old| new < old),
                }
            }
            (Best::Text(_), Values::Text(texts)) => self.add_texts(batch, |row| texts.get(row)),
            (Best::Text(_), Values::Coded { codes, dictionary }) => {
                self.add_texts(batch, |row| {
                    dictionary.get(usize::try_from(codes.get(row)).unwrap_or(usize::MAX))
                });
            }
            _ => return Err(Failure::Mistaken),
        }
        Ok(())
    }

    fn worst(&self) -> (i64, f64) {
        match self.is_max {
            true => (i64::MIN, f64::NEG_INFINITY),
            false => (i64::MAX, f64::INFINITY),
        }
    }

    fn add_texts<'t>(&mut self, batch: Batch<'_>, text: impl Fn(usize) -> &'t [u8]) {
        let Best::Text(best) = &mut self.best else { return };
        grow(best, batch.n_groups, None);
        let (mut ids, mut missing) = (batch.ids.iter(), self.missing.iter());
        each_row(batch.picks, |row| {
            let id = ids.next().copied().unwrap_or(0);
            if missing.next().is_some_and(|is| *is) {
                return;
            }
            if let Some(best) = best.get_mut(id as usize) {
                improve_text(best, text(row), self.is_max, &mut self.n_bytes);
            }
        });
    }

    /// Adds what another thread found, whose groups are `groups` here.
    ///
    /// # Errors
    /// Mistaken.
    pub(crate) fn merge(
        &mut self,
        other: &Extreme,
        groups: &[u32],
        n_groups: usize,
    ) -> Result<(), Failure> {
        let (worst_whole, worst_float) = self.worst();
        let is_max = self.is_max;
        match (&mut self.best, &other.best) {
            (_, Best::Unknown) => {}
            (Best::Whole(best), Best::Whole(values)) => {
                grow(best, n_groups, worst_whole);
                improve(
                    best,
                    groups,
                    values,
                    |new, old| if is_max { new > old } else { new < old },
                );
            }
            (Best::Float(best), Best::Float(values)) => {
                grow(best, n_groups, worst_float);
                improve(
                    best,
                    groups,
                    values,
                    |new, old| if is_max { new > old } else { new < old },
                );
            }
            (Best::Text(best), Best::Text(values)) => {
                grow(best, n_groups, None);
                for (group, text) in groups.iter().zip(values) {
                    if let (Some(best), Some(text)) = (best.get_mut(*group as usize), text) {
                        improve_text(best, text, is_max, &mut self.n_bytes);
                    }
                }
            }
            (own @ Best::Unknown, values) => {
                *own = match values {
                    Best::Whole(_) => Best::Whole(Vec::new()),
                    Best::Float(_) => Best::Float(Vec::new()),
                    _ => Best::Text(Vec::new()),
                };
                return self.merge(other, groups, n_groups);
            }
            _ => return Err(Failure::Mistaken),
        }
        Ok(())
    }

    /// The best value of a group that has one.
    pub(crate) fn finish(&self, group: u32) -> Finished<'_> {
        let group = group as usize;
        let found = match &self.best {
            Best::Unknown => None,
            Best::Whole(best) => best.get(group).map(|value| Finished::Whole(*value)),
            Best::Float(best) => best.get(group).map(|value| Finished::Float(*value)),
            Best::Text(best) => best.get(group).and_then(Option::as_deref).map(Finished::Text),
        };
        found.unwrap_or(Finished::Null)
    }

    pub(crate) fn bytes(&self) -> usize {
        match &self.best {
            Best::Unknown => 0,
            Best::Whole(best) => best.capacity() * 8,
            Best::Float(best) => best.capacity() * 8,
            Best::Text(best) => best.capacity() * 16 + self.n_bytes,
        }
    }
}

impl Best {
    fn of(column: &Column<'_>) -> Best {
        match &column.values {
            Values::Whole(_) => Best::Whole(Vec::new()),
            Values::Float(_) => Best::Float(Vec::new()),
            Values::Coded { .. } | Values::Text(_) => Best::Text(Vec::new()),
        }
    }
}

/// Puts `worst` in the place of missing values.
fn forget<T: Copy>(values: &mut [T], missing: &[bool], worst: T) {
    let values = values.iter_mut().zip(missing);
    values.filter(|(_, is)| **is).for_each(|(value, _)| *value = worst);
}

fn improve<T: Copy>(best: &mut [T], ids: &[u32], values: &[T], is_better: impl Fn(T, T) -> bool) {
    for (id, value) in ids.iter().zip(values) {
        if let Some(best) = best.get_mut(*id as usize)
            && is_better(*value, *best)
        {
            *best = *value;
        }
    }
}

fn improve_text(best: &mut Option<Box<[u8]>>, text: &[u8], is_max: bool, n_bytes: &mut usize) {
    /// What an allocation takes beside its bytes.
    const HEAD: usize = 16;
    let is_better = match best {
        None => true,
        Some(best) if is_max => text > &**best,
        Some(best) => text < &**best,
    };
    if is_better {
        *n_bytes += text.len() + HEAD;
        *n_bytes -= best.as_ref().map_or(0, |best| best.len() + HEAD);
        *best = Some(text.into());
    }
}
