//! Chooses the media type of an answer from `Accept`, and reads `Content-Type`.
//!
//! Section 4 of the GraphQL over HTTP specification: a client that names nothing gets
//! `application/json`. Nothing here allocates on the common forms.

use axum::http::header::{self, HeaderMap, HeaderValue};

/// The media type of a GraphQL answer; decides its status as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`: 200 for every well-formed request.
    Json,
    /// `application/graphql-response+json`: the status tells how far it came.
    GraphqlResponse,
    /// `application/json` of REST, whose errors are `application/problem+json`; never negotiated.
    Rest,
}

impl Media {
    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Media::Json | Media::Rest => "application/json; charset=utf-8",
            Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        })
    }
}

/// The media type that the client likes best, `None` when it likes neither.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let mut values = headers.get_all(header::ACCEPT).iter();
    let Some(first) = values.next() else { return Some(Media::Json) };
    let second = values.next();
    if second.is_none() {
        match first.as_bytes() {
            b"*/*" | b"application/json" => return Some(Media::Json),
            b"application/graphql-response+json" => return Some(Media::GraphqlResponse),
            _ => {}
        }
    }
    let texts = [Some(first), second].into_iter().flatten().chain(values);
    let ranges = texts.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    best(ranges)
}

/// Whether the client would rather have a stream of events than one JSON answer.
pub(super) fn wants_events(headers: &HeaderMap) -> bool {
    const EVENTS: &str = "text/event-stream";
    let mut is_named = false;
    // Of events, of JSON: how much they are liked, and how early they are named.
    let (mut events, mut json) = ((0.0_f32, usize::MAX), (0.0_f32, usize::MAX));
    for value in headers.get_all(header::ACCEPT) {
        let bytes = value.as_bytes();
        is_named |=
            bytes.windows(EVENTS.len()).any(|it| it.eq_ignore_ascii_case(EVENTS.as_bytes()));
    }
    if !is_named {
        return false;
    }
    let texts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for (position, range) in texts.flat_map(|text| text.split(',')).enumerate() {
        let mut parts = range.split(';');
        let name = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let quality = parts
            .filter_map(|part| part.trim().strip_prefix("q="))
            .find_map(|q| q.trim().parse::<f32>().ok())
            .unwrap_or(1.0);
        let kind = match name.as_str() {
            EVENTS => &mut events,
            "application/json" | "application/graphql-response+json" => &mut json,
            _ => continue,
        };
        if quality > kind.0 {
            *kind = (quality, position);
        }
    }
    events.0 > json.0 || (events.0 > 0.0 && events.0 >= json.0 && events.1 < json.1)
}

/// How much a type is liked: quality, then how precisely it was named, then how early.
#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
struct Liking {
    specificity: u8,
    quality: f32,
}

fn best<'a>(ranges: impl Iterator<Item = &'a str>) -> Option<Media> {
    let (mut json, mut graphql) = (Liking::default(), Liking::default());
    let mut is_graphql_first = false;
    for range in ranges {
        let mut parts = range.split(';');
        let name = parts.next().unwrap_or_default().trim();
        let quality = parts
            .filter_map(|part| part.trim().strip_prefix("q="))
            .find_map(|q| q.trim().parse::<f32>().ok())
            .filter(|q| (0.0..=1.0).contains(q))
            .unwrap_or(1.0);
        let (is_json, is_graphql, specificity) = match name.to_ascii_lowercase().as_str() {
            "application/json" => (true, false, 3),
            "application/graphql-response+json" => (false, true, 3),
            "application/*" => (true, true, 2),
            "*/*" => (true, true, 1),
            _ => continue,
        };
        if is_json && specificity > json.specificity {
            json = Liking { specificity, quality };
        }
        if is_graphql && specificity > graphql.specificity {
            graphql = Liking { specificity, quality };
            is_graphql_first = specificity == 3 && json.specificity < 3;
        }
    }
    match (json.quality > 0.0, graphql.quality > 0.0) {
        (false, false) => None,
        (true, false) => Some(Media::Json),
        (false, true) => Some(Media::GraphqlResponse),
        (true, true) if graphql.quality > json.quality => Some(Media::GraphqlResponse),
        (true, true) if graphql.quality < json.quality => Some(Media::Json),
        // Equally liked: the one that was named; both named: the one named first.
        (true, true) if is_graphql_first => Some(Media::GraphqlResponse),
        (true, true) => Some(Media::Json),
    }
}

/// What a request's body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A JSON request.
    Json,
    /// A multipart request with this boundary.
    Multipart(String),
    /// Anything else, or nothing said.
    Other,
}

/// Reads `Content-Type`; only UTF-8 counts as JSON.
pub(super) fn content(headers: &HeaderMap) -> Content {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Content::Other };
    if value.as_bytes() == b"application/json" {
        return Content::Json;
    }
    let Ok(text) = value.to_str() else { return Content::Other };
    let name = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match name.as_str() {
        "application/json" if text.split(';').skip(1).all(is_utf8_or_no_charset) => Content::Json,
        "multipart/form-data" => match multer::parse_boundary(text) {
            Ok(boundary) => Content::Multipart(boundary),
            Err(_) => Content::Other,
        },
        _ => Content::Other,
    }
}

fn is_utf8_or_no_charset(parameter: &str) -> bool {
    match parameter.trim().split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_is_the_one_liked_best() {
        use Media::{GraphqlResponse, Json};
        let check = |accept: &str, expect: Option<Media>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            assert_eq!(negotiate(&headers), expect, "{accept}");
        };
        assert_eq!(negotiate(&HeaderMap::new()), Some(Json));
        check("*/*", Some(Json));
        check("application/*", Some(Json));
        check("application/json", Some(Json));
        check("application/json; charset=utf-8", Some(Json));
        check("application/graphql-response+json", Some(GraphqlResponse));
        check("application/graphql-response+json, application/json", Some(GraphqlResponse));
        check("application/json, application/graphql-response+json", Some(Json));
        check("application/graphql-response+json;q=0.5, application/json", Some(Json));
        check("application/json;q=0.8, application/graphql-response+json", Some(GraphqlResponse));
        check("application/graphql-response+json, */*", Some(GraphqlResponse));
        check("application/graphql-response+json, */*;q=0.1", Some(GraphqlResponse));
        check("text/html,application/xhtml+xml,*/*;q=0.8", Some(Json));
        check("application/json;q=0, */*", Some(GraphqlResponse));
        check("text/html", None);
        check("application/json;q=0", None);
        check("", None);
    }

    #[test]
    fn events_are_sent_to_those_who_like_them_best() {
        let check = |accept: &str, expect: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            assert_eq!(wants_events(&headers), expect, "{accept}");
        };
        assert!(!wants_events(&HeaderMap::new()));
        check("*/*", false);
        check("application/json", false);
        check("text/event-stream", true);
        check("Text/Event-Stream, multipart/mixed", true);
        check("text/event-stream, application/json", true);
        check("application/graphql-response+json, application/json, text/event-stream", false);
        check("application/json;q=0.5, text/event-stream", true);
        check("text/event-stream;q=0", false);
        check("text/event-stream;q=0.1, application/json", false);
    }

    #[test]
    fn only_json_in_utf8_is_json() {
        let check = |value: &str, expect: Content| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
            assert_eq!(content(&headers), expect, "{value}");
        };
        assert_eq!(content(&HeaderMap::new()), Content::Other);
        check("application/json", Content::Json);
        check("Application/JSON; Charset=UTF-8", Content::Json);
        check("application/json; charset=\"utf-8\"", Content::Json);
        check("application/json; charset=utf-16", Content::Other);
        check("application/json; charset=iso-8859-1", Content::Other);
        check("text/plain", Content::Other);
        check("application/x-www-form-urlencoded", Content::Other);
        check("application/jsonp", Content::Other);
        check("multipart/form-data; boundary=xyz", Content::Multipart("xyz".to_owned()));
        check("multipart/form-data", Content::Other);
    }
}
