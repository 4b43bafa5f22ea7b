//! Which content encoding a client wants (RFC 9110, section 12.5.3).

#![cfg_attr(
    not(feature = "app"),
    allow(dead_code, reason = "the page without the app is not compressed")
)]

/// An encoding that every embedded file is available in, in the order of our preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
    Plain,
}

/// The best encoding that the header allows; a client that sends none gets plain bytes.
pub(crate) fn preferred(accept_encoding: &str) -> Encoding {
    let brotli = quality(accept_encoding, &["br"]);
    let gzip = quality(accept_encoding, &["gzip", "x-gzip"]);
    // Plain bytes are acceptable unless they are refused, but never better than what was asked for.
    let plain = quality(accept_encoding, &["identity"]);
    if brotli > 0 && brotli >= gzip && brotli >= plain {
        Encoding::Brotli
    } else if gzip > 0 && gzip >= plain {
        Encoding::Gzip
    } else {
        Encoding::Plain
    }
}

/// The weight of an encoding in thousandths; 0 where it is refused or not named.
fn quality(accept_encoding: &str, names: &[&str]) -> u16 {
    let mut of_any = 0;
    for choice in accept_encoding.split(',') {
        let mut parts = choice.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        if names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted)) {
            return weight;
        }
        // `*` means what is not named; plain bytes need no wish to be sent.
        if name == "*" && names != ["identity"] {
            of_any = weight;
        }
    }
    of_any
}

/// Reads `0.8` as 800; what is no weight counts as a refusal.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "1" => 1000,
        "0" => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, preferred};

    #[test]
    fn the_client_decides_and_brotli_wins_a_tie() {
        for (header, expected) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("gzip, deflate", Encoding::Gzip),
            ("GZIP", Encoding::Gzip),
            ("x-gzip", Encoding::Gzip),
            ("", Encoding::Plain),
            ("identity", Encoding::Plain),
            ("zstd", Encoding::Plain),
            ("br;q=0, gzip", Encoding::Gzip),
            ("br;q=0.5, gzip;q=0.8", Encoding::Gzip),
            ("br; q=1.0, gzip;q=0.8, *;q=0.1", Encoding::Brotli),
            ("identity, br;q=0.5", Encoding::Plain),
            ("*", Encoding::Brotli),
            ("br;q=0, *", Encoding::Gzip),
            ("*;q=0", Encoding::Plain),
            ("br;q=high", Encoding::Plain),
            ("br;q=0.0001", Encoding::Plain),
        ] {
            assert_eq!(preferred(header), expected, "Accept-Encoding: {header}");
        }
    }
}
