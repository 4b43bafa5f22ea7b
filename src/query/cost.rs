//! Counts the cells that an operation may answer, before anything runs.
//!
//! The cost is fields × rows: what a list answers is multiplied by its limit, and lists within
//! lists multiply. Limits may be variables, so the counting ends with the values of a run.

use std::collections::HashMap;

use crate::store::run::Bind;

/// Cells that a selection answers: its own, and those of the lists below it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cost {
    pub(super) n_cells: u64,
    pub(super) lists: Vec<ListCost>,
}

/// A list: so many rows of so many cells.
#[derive(Clone, Debug)]
pub(super) struct ListCost {
    /// Where the limit stands among the values of a run; `None` for one row.
    limit: Option<usize>,
    each: Cost,
}

impl Cost {
    /// The cost of a list whose limit is a slot.
    pub(super) fn of_list(limit_slot: Option<usize>, each: Cost) -> Cost {
        Cost { n_cells: 0, lists: vec![ListCost { limit: limit_slot, each }] }
    }

    /// Adds another cost.
    pub(super) fn add(&mut self, other: Cost) {
        self.n_cells = self.n_cells.saturating_add(other.n_cells);
        self.lists.extend(other.lists);
    }

    /// Turns numbers of slots into positions among the values of a run.
    pub(super) fn locate(&mut self, positions: &HashMap<usize, usize>) {
        for list in &mut self.lists {
            list.limit = list.limit.and_then(|slot| positions.get(&slot).copied());
            list.each.locate(positions);
        }
    }

    /// The cells that a run with these values answers at most.
    pub(super) fn cells(&self, binds: &[Bind]) -> u64 {
        self.lists.iter().fold(self.n_cells, |total, list| {
            let n_rows = match list.limit.and_then(|position| binds.get(position)) {
                Some(Bind::Int(limit)) => u64::try_from(*limit).unwrap_or(0),
                _ => 1,
            };
            total.saturating_add(list.each.cells(binds).saturating_mul(n_rows))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_within_lists_multiply() {
        let leaf = |n_cells| Cost { n_cells, lists: Vec::new() };
        let mut each = leaf(2);
        each.add(Cost::of_list(Some(7), leaf(3)));
        let mut cost = Cost::of_list(Some(4), each);
        cost.locate(&HashMap::from([(4, 0), (7, 1)]));
        assert_eq!(cost.cells(&[Bind::Int(50), Bind::Int(10)]), 50 * (2 + 10 * 3));
        assert_eq!(cost.cells(&[Bind::Int(0), Bind::Int(10)]), 0);
        assert_eq!(cost.cells(&[Bind::Int(i64::MAX), Bind::Int(i64::MAX)]), u64::MAX);
    }
}
