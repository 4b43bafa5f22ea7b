//! Lets clients keep answers and ask whether they still hold: `ETag`, `If-None-Match`, `Vary`.
//!
//! RFC 9110, sections 8.8 and 13.1. The engine's tag names the answer's bytes; here it gets what
//! else tells representations apart, the media type and the coding, so that a strong tag stays
//! strong when an answer is compressed. A POST of a query is answered 304 like a GET: it changes
//! nothing, and who sends `If-None-Match` has the answer.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

use super::accept::Media;
use crate::graphql::Tag;

/// Kept by the client alone, and never used without asking.
static CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, no-cache");
/// What stands before the seconds of an age.
const PRIVATE: &str = "private, max-age=";
const PUBLIC: &str = "public, max-age=";
/// All of a request that an answer depends on beside its address and body.
static VARY: HeaderValue =
    HeaderValue::from_static("authorization, x-api-key, x-workspace, accept, accept-encoding");

/// The tags that the client has for this media type.
pub(super) fn known_tags(headers: &HeaderMap, media: Media) -> Vec<Tag> {
    entries(headers).filter_map(|(entry, _)| parse(entry, media)).collect()
}

/// Whether `If-Match` names this tag for this media type, or any by `*`.
pub(super) fn is_wanted(headers: &HeaderMap, tag: Tag, media: Media) -> bool {
    let mut entries = entries_of(headers, &header::IF_MATCH);
    names_any(headers, &header::IF_MATCH)
        || entries.any(|(entry, _)| parse(entry, media) == Some(tag))
}

/// Whether a header is `*`.
pub(super) fn names_any(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(name).iter().any(|value| value.as_bytes().trim_ascii() == b"*")
}

/// 304, with the tag that the client sent.
pub(super) fn unchanged(asked: &HeaderMap, tag: Tag, media: Media) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    mark_unchanged(response.headers_mut(), asked, tag, media);
    response
}

/// Marks an answer as one that may be kept.
pub(super) fn mark(headers: &mut HeaderMap, tag: Tag, media: Media) {
    let etag = format!("\"{}{}\"", tag.text(), letter(media));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    mark_kept(headers);
}

/// Marks a 304 with the tag that the client sent: that of the coding which it has.
fn mark_unchanged(headers: &mut HeaderMap, asked: &HeaderMap, tag: Tag, media: Media) {
    let matching = entries(asked).find(|(entry, _)| parse(entry, media) == Some(tag));
    let etag = matching.and_then(|(_, quoted)| HeaderValue::from_str(quoted).ok());
    match etag {
        Some(etag) => {
            headers.insert(header::ETAG, etag);
            mark_kept(headers);
        }
        None => mark(headers, tag, media),
    }
}

/// Names the coding in the tag of an answer that was just compressed.
pub(super) fn mark_coding(headers: &mut HeaderMap) {
    let coding = headers.get(header::CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    let etag = headers.get(header::ETAG).and_then(|etag| etag.to_str().ok());
    let (Some(coding), Some(etag)) = (coding, etag) else { return };
    let Some(plain) = etag.strip_suffix('"') else { return };
    if let Ok(etag) = HeaderValue::try_from(format!("{plain}-{coding}\"")) {
        headers.insert(header::ETAG, etag);
    }
}

/// Says that an answer may be kept so many seconds without asking; by everybody's proxies where
/// everybody may read it.
pub(super) fn mark_age(headers: &mut HeaderMap, max_age_s: u32, is_public: bool) {
    let whose = if is_public { PUBLIC } else { PRIVATE };
    if let Ok(value) = HeaderValue::try_from(format!("{whose}{max_age_s}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

/// Whether an answer with this `Cache-Control` was marked here.
pub(super) fn is_ours(cache_control: &HeaderValue) -> bool {
    let is_age = |text: &str| {
        let age = text.strip_prefix(PRIVATE).or_else(|| text.strip_prefix(PUBLIC));
        age.is_some_and(|age| age.bytes().all(|byte| byte.is_ascii_digit()))
    };
    cache_control == CACHE_CONTROL || cache_control.to_str().is_ok_and(is_age)
}

fn mark_kept(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL.clone());
    headers.insert(header::VARY, VARY.clone());
}

/// What stands for the media type at the end of a tag.
fn letter(media: Media) -> char {
    match media {
        Media::Json => 'j',
        Media::GraphqlResponse => 'g',
        Media::Rest => 'r',
    }
}

/// The entries of `If-None-Match`: what is in the quotes, and with them. `*` is none: whether
/// there is an answer is not known before it is made.
fn entries(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    entries_of(headers, &header::IF_NONE_MATCH)
}

/// Those of a header that names tags.
fn entries_of<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = (&'h str, &'h str)> + use<'h> {
    let values = headers.get_all(name).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).filter_map(|entry| {
        // The comparison is the weak one: proxies that compress weaken tags.
        let quoted = entry.trim().trim_start_matches("W/");
        Some((quoted.strip_prefix('"')?.strip_suffix('"')?, quoted))
    })
}

/// The engine's tag in an entry, whatever its coding.
fn parse(entry: &str, media: Media) -> Option<Tag> {
    let (tag, rest) = entry.split_at_checked(Tag::CHARS)?;
    let coding = rest.strip_prefix(letter(media))?;
    (coding.is_empty() || coding.starts_with('-')).then(|| Tag::parse(tag)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_comes_back_in_any_coding() {
        let tag = Tag::parse("AAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let mut sent = HeaderMap::new();
        mark(&mut sent, tag, Media::Json);
        assert_eq!(sent[header::ETAG], "\"AAAAAAAAAAAAAAAAAAAAAAj\"");
        assert_eq!(sent[header::CACHE_CONTROL], "private, no-cache");
        mark_coding(&mut sent);
        assert_eq!(sent[header::ETAG], "\"AAAAAAAAAAAAAAAAAAAAAAj\"", "nothing was compressed");
        sent.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        mark_coding(&mut sent);
        assert_eq!(sent[header::ETAG], "\"AAAAAAAAAAAAAAAAAAAAAAj-br\"");
        let check = |entry: &str, is_known: bool| {
            let mut asked = HeaderMap::new();
            asked.insert(header::IF_NONE_MATCH, HeaderValue::from_str(entry).unwrap());
            let known = known_tags(&asked, Media::Json);
            assert_eq!(known.contains(&tag), is_known, "{entry}");
            assert!(!known_tags(&asked, Media::GraphqlResponse).contains(&tag), "{entry}");
            let mut answer = HeaderMap::new();
            mark_unchanged(&mut answer, &asked, tag, Media::Json);
            answer[header::ETAG].to_str().unwrap().to_owned()
        };
        check("\"AAAAAAAAAAAAAAAAAAAAAAj\"", true);
        let both = "\"x\", W/\"AAAAAAAAAAAAAAAAAAAAAAj-gzip\"";
        assert_eq!(check(both, true), "\"AAAAAAAAAAAAAAAAAAAAAAj-gzip\"");
        check("\"AAAAAAAAAAAAAAAAAAAAAA\"", false);
        check("\"AAAAAAAAAAAAAAAAAAAAAAjx\"", false);
        check("AAAAAAAAAAAAAAAAAAAAAAj", false);
        check("*", false);
    }
}
