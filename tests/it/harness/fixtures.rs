//! Files that several stories load.

/// One row per case that filters can get wrong, every type once.
pub(crate) const ITEMS: &str = "\
ID,Name,Price,In Stock,Added,Seen At,Made,Weight,Code,Big,Ref
1,Anvil,19.99,true,2024-01-05,2024-01-05T10:00:00Z,2023-12-01T08:00:00,1.5e3,007,9007199254740993,6ba7b810-9dad-11d1-80b4-00c04fd430c8
2,Bolt,0.05,true,2024-01-06,2024-01-05T23:30:00+02:00,2023-12-02T08:00:00,2.5e-1,011,-9223372036854775808,6ba7b811-9dad-11d1-80b4-00c04fd430c8
3,\"Clamp, big\",100.00,false,2024-02-29,2024-02-29T00:00:00Z,2023-12-03T08:00:00,4.0e1,100,9223372036854775807,6ba7b812-9dad-11d1-80b4-00c04fd430c8
4,dowel 50%,,false,,2024-03-01T12:00:00Z,,1.0e0,x_1,0,
5,\"Écrou \"\"M6\"\"\",-3.50,,2023-12-31,,2023-12-05T08:00:00,,,42,6ba7b814-9dad-11d1-80b4-00c04fd430c8
6,bolt,0.05,true,2024-01-06,2024-01-06T00:00:00Z,2023-12-06T08:00:00,2.5e-1,011,,6ba7b815-9dad-11d1-80b4-00c04fd430c8
";

/// The sample of the README.
pub(crate) const ORDERS: &str = include_str!("../../../examples/orders.csv");

/// `n` rows whose column `generation` is the same everywhere.
pub(crate) fn generation(generation: u64, n_rows: usize) -> String {
    use std::fmt::Write;
    let mut text = String::from("id,generation,name\n");
    for id in 1..=n_rows {
        let _ = writeln!(text, "{id},{generation},row {id} of generation {generation}");
    }
    text
}
