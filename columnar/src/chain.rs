//! Turns what rows have in several columns together into small numbers.

use crate::bits::Picks;
use crate::chunk::Chunk;
use crate::intern::Pairs;
use crate::parts::{MISSING, Parts};
use crate::{Failure, Value};

/// The different values that rows have in several columns together, below a number that each row
/// has already, if it has one.
pub(crate) struct Chain<'q> {
    parts: Vec<Parts<'q>>,
    /// Each joins the numbers so far with the parts of a column: of the first column only where
    /// rows have numbers already.
    pairs: Vec<Pairs>,
    has_roots: bool,
    found: Vec<u32>,
}

impl<'q> Chain<'q> {
    pub(crate) fn new(parts: Vec<Parts<'q>>, has_roots: bool) -> Chain<'q> {
        let n_pairs = if has_roots { parts.len() } else { parts.len().saturating_sub(1) };
        let pairs = (0..n_pairs).map(|_| Pairs::default()).collect();
        Chain { parts, pairs, has_roots, found: Vec::new() }
    }

    /// How many different ones there are; without roots also such that no row has.
    pub(crate) fn len(&self) -> usize {
        match (self.pairs.last(), self.parts.first()) {
            (Some(pairs), _) => pairs.pairs().len(),
            (None, Some(parts)) => parts.len(),
            (None, None) => 1,
        }
    }

    /// Makes `ids` the numbers of the picked rows. Before, it has their roots, which are below
    /// `n_roots`, if they have any.
    ///
    /// # Errors
    /// Mistaken, Unfit.
    pub(crate) fn find(
        &mut self,
        chunk: &Chunk<'_>,
        picks: Picks<'_>,
        ids: &mut Vec<u32>,
        n_roots: usize,
    ) -> Result<(), Failure> {
        let mut n_left = n_roots;
        let mut pairs = self.pairs.iter_mut();
        for (place, parts) in self.parts.iter_mut().enumerate() {
            if place == 0 && !self.has_roots {
                parts.find(chunk, picks, ids)?;
                n_left = parts.len();
            } else if let Some(pairs) = pairs.next() {
                parts.find(chunk, picks, &mut self.found)?;
                pairs.join(ids, &self.found, n_left, parts.len());
                n_left = pairs.pairs().len();
            }
        }
        Ok(())
    }

    /// What one of them is: the part of each column, last first, and then the root.
    pub(crate) fn path(&self, id: u32) -> impl Iterator<Item = u32> {
        let mut left = Some(id);
        let mut pairs = self.pairs.iter().rev();
        std::iter::from_fn(move || {
            let id = left?;
            match pairs.next() {
                Some(pairs) => {
                    let (root, part) = pairs.pairs().get(id as usize).copied()?;
                    left = Some(root);
                    Some(part)
                }
                None => left.take(),
            }
        })
    }

    /// The value of a column of one of them.
    pub(crate) fn value(&self, id: u32, place: usize) -> Value<'_> {
        let Some(parts) = self.parts.get(place) else { return Value::Null };
        let part = self.path(id).nth(self.parts.len() - 1 - place);
        parts.value(part.unwrap_or(MISSING))
    }

    /// Adds those that another thread found, whose roots are `roots` here; answers what each of
    /// them is here.
    ///
    /// # Errors
    /// Mistaken.
    pub(crate) fn merge(&mut self, other: &Chain<'q>, roots: &[u32]) -> Result<Vec<u32>, Failure> {
        let mut ids = roots.to_vec();
        let mut n_left = roots.iter().max().map_or(0, |root| *root as usize + 1);
        let mut pairs = self.pairs.iter_mut().zip(&other.pairs);
        for (place, (parts, others)) in self.parts.iter_mut().zip(&other.parts).enumerate() {
            let found = parts.merge(others)?;
            if place == 0 && !self.has_roots {
                ids = found;
                n_left = parts.len();
            } else if let Some((pairs, others)) = pairs.next() {
                pairs.make_room(n_left, parts.len());
                let joined = others.pairs().iter().map(|(left, right)| {
                    let left = ids.get(*left as usize).copied().unwrap_or(0);
                    let right = found.get(*right as usize).copied().unwrap_or(MISSING);
                    pairs.id(left, right)
                });
                ids = joined.collect();
                n_left = pairs.pairs().len();
            }
        }
        Ok(ids)
    }

    pub(crate) fn bytes(&self) -> usize {
        let parts: usize = self.parts.iter().map(Parts::bytes).sum();
        let pairs: usize = self.pairs.iter().map(Pairs::bytes).sum();
        parts + pairs + self.found.capacity() * 4
    }
}
