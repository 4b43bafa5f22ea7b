use crate::{asset, is_app_route};

#[test]
fn the_screens_have_addresses() {
    for path in [
        "/",
        "/graphiql",
        "/datasets/orders",
        "/datasets/Umsatz%202024",
        "/queries",
        "/reference",
        "/relations",
        "/load/4f2a",
        "/access",
        "/jobs",
        "/system",
    ] {
        assert!(is_app_route(path), "{path}");
    }
    for path in [
        "",
        "/graphql",
        "/datasets",
        "/datasets/",
        "/datasets/a/b",
        "/assets/x.js",
        "/upload/a",
        "/load",
        "/load/",
        "/inspect",
    ] {
        assert!(!is_app_route(path), "{path}");
    }
}

#[test]
fn every_route_gives_one_page_that_is_asked_for_again() {
    let page = asset("/", "").map(|page| page.body);
    assert!(page.is_some_and(|body| body.starts_with(b"<!doctype html>")));
    assert_eq!(asset("/datasets/orders", "").map(|page| page.body), page);
    assert!(asset("/graphiql", "").is_some_and(|page| !page.immutable));
    assert_eq!(asset("/nothing/here.js", "br"), None);
    assert_eq!(asset("/../Cargo.toml", "br"), None);
}

#[cfg(not(feature = "app"))]
#[test]
fn without_the_app_the_page_says_how_to_get_it_and_how_to_do_without() {
    let page = asset("/", "br").map(|page| String::from_utf8_lossy(page.body)).unwrap_or_default();
    for word in ["Node.js", "cargo build", "curl", "/graphql"] {
        assert!(page.contains(word), "{word}");
    }
}

#[cfg(feature = "app")]
mod with_app {
    use crate::asset;
    use crate::files::{EmbeddedFile, FILES};

    /// What the binary may grow by.
    const MAX_EMBEDDED_BYTES: usize = 8 * 1024 * 1024;
    /// What a browser may have to fetch before it shows the first screen.
    const MAX_FIRST_SCREEN_BYTES: usize = 300 * 1024;

    fn body_of(path: &str, accept_encoding: &str) -> &'static [u8] {
        asset(path, accept_encoding).map_or(&[], |asset| asset.body)
    }

    #[test]
    fn the_plain_body_is_what_the_compressed_ones_hold() {
        let page = body_of("/", "identity");
        assert!(!page.is_empty() && page.len() > body_of("/", "br").len());
        for file in &FILES {
            assert!(!body_of(file.path, "").is_empty(), "{} cannot be unpacked", file.path);
        }
    }

    #[test]
    fn encodings_have_their_own_tags_and_hashed_names_are_immutable() {
        for file in &FILES {
            let [brotli, gzip, plain] = file.etags;
            assert!(
                brotli != gzip && gzip != plain && plain.starts_with('"') && plain.ends_with('"')
            );
            assert_eq!(file.immutable, file.path.starts_with("/assets/"));
        }
        let script = asset("/", "gzip");
        assert_eq!(script.and_then(|script| script.content_encoding), Some("gzip"));
    }

    #[test]
    fn the_app_keeps_within_its_budgets() {
        let n_bytes: usize = FILES.iter().map(|file| file.brotli.len() + file.gzip.len()).sum();
        assert!(n_bytes <= MAX_EMBEDDED_BYTES, "{n_bytes} bytes are embedded");

        let page = String::from_utf8_lossy(body_of("/", ""));
        let is_on_first_screen =
            |file: &&EmbeddedFile| page.contains(file.path) || file.path == "/index.html";
        let n_first: usize =
            FILES.iter().filter(is_on_first_screen).map(|file| file.gzip.len()).sum();
        assert!(n_first <= MAX_FIRST_SCREEN_BYTES, "{n_first} bytes before the first screen");
    }

    #[test]
    fn the_page_runs_under_the_content_security_policy() {
        let page = String::from_utf8_lossy(body_of("/", ""));
        assert!(!page.contains("<script>") && !page.contains("onload="), "an inline script");
        assert!(!page.contains("http://") && !page.contains("https://"), "a third party");
    }
}
