//! Answers are those of a plain evaluation, row by row, whatever is asked of whatever table.

mod asked;
mod edges;
mod plain;

use proptest::prelude::*;

use asked::{KINDS, a_question, a_table, some_groups};
use plain::{Known, expected, selected};

use crate::Failure;
use crate::question::*;
use crate::rows::rows;
use crate::run::{Limits, groups};
use crate::testing::{Cell, Table};

fn limits(n_threads: usize) -> Limits<'static> {
    Limits { n_threads, max_bytes: 1 << 30, is_stopped: &|| false }
}

fn answered(asked: &Groups, table: &Table, n_threads: usize) -> Result<Vec<Vec<Known>>, Failure> {
    let answer = groups(table, asked, &limits(n_threads))?;
    let all = (0..asked.keys.len()).map(Of::Key).chain((0..asked.measures.len()).map(Of::Measure));
    let row = |row: usize| all.clone().map(|of| Known::from(answer.value(row, of))).collect();
    Ok((0..answer.n_rows()).map(row).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn groups_are_those_of_a_plain_evaluation(
        (rows, chunk_rows, taste) in a_table(), asked in some_groups(), n_threads in 1..4_usize
    ) {
        let table = Table::new(&KINDS, &rows, chunk_rows, taste);
        let negative_zero = rows.iter().any(|(cells, _)| format!("{:?}", cells[2]) == "Float(-0.0)");
        match answered(&asked, &table, n_threads) {
            Ok(answer) => prop_assert_eq!(format!("{answer:?}"), format!("{:?}", expected(&asked, &rows))),
            Err(Failure::Unfit) => prop_assert!(negative_zero),
            Err(failure) => prop_assert!(false, "{failure}"),
        }
    }

    #[test]
    fn rows_are_those_of_a_plain_evaluation(
        (all, chunk_rows, taste) in a_table(), question in a_question(),
        limit in prop_oneof![Just(u64::MAX), 0..20_u64], offset in 0..5_u64
    ) {
        let table = Table::new(&KINDS, &all, chunk_rows, taste);
        let expected: Vec<(i64, Vec<Cell>)> =
            selected(&question, &all).into_iter().map(|(number, row)| (number, row.to_vec())).collect();
        let asked = Rows { question, limit, offset };
        let mut found = Vec::new();
        rows::<Failure>(&table, &asked, &limits(1), &mut |row| {
            found.push((row.number(), (0..5).map(|column| row.value(column).into()).collect::<Vec<Cell>>()));
            Ok(())
        }).unwrap();
        let (limit, offset) = (usize::try_from(limit).unwrap(), usize::try_from(offset).unwrap());
        let expected: Vec<_> = expected.into_iter().skip(offset).take(limit).collect();
        prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }
}
