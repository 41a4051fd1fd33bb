//! Which form a body has, and which its sender wants back.

use crate::Refusal;

/// The name of the parameter by which a content type may say the feature schema, for forms that have no other place for it.
const SCHEMA: &str = "feature_schema";

/// A form of rows and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One object that holds all.
    Json,
    /// One value a line.
    JsonLines,
    /// Lines of numbers.
    Csv,
}

/// A form under the name it was asked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// As headers write it.
    pub(crate) name: &'static str,
    /// The form.
    pub(crate) form: Form,
}

/// Every media type that is taken and given, in the order of preference.
pub(crate) const KNOWN: [Media; 4] = [
    Media { name: "application/json", form: Form::Json },
    Media { name: "application/jsonlines", form: Form::JsonLines },
    Media { name: "application/x-ndjson", form: Form::JsonLines },
    Media { name: "text/csv", form: Form::Csv },
];

/// The form of a body, and the feature schema if the content type says one.
///
/// # Errors
/// No content type, or one that is not taken.
pub(crate) fn sent(content_type: Option<&str>) -> Result<(Media, Option<u32>), Refusal> {
    let refused = || Refusal::ContentType { found: short(content_type.unwrap_or_default()) };
    let mut parts = content_type.unwrap_or_default().split(';').map(str::trim);
    let media = parts.next().and_then(known).ok_or_else(refused)?;
    let said =
        parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case(SCHEMA));
    let schema = said.map(|(_, value)| value.trim_matches('"').parse().map_err(|_| refused())).transpose()?;
    Ok((media, schema))
}

/// The form an `Accept` header wants most; the one that was sent, if all are equal to it.
///
/// # Errors
/// Only forms that are not given.
pub(crate) fn wanted(accept: Option<&str>, sent: Media) -> Result<Media, Refusal> {
    let Some(accept) = accept.map(str::trim).filter(|accept| !accept.is_empty()) else { return Ok(sent) };
    let mut best: Option<(f32, Media)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some(media) = parts.next().and_then(|range| within(range, sent)) else { continue };
        let quality =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if quality > best.map_or(0.0, |(quality, _)| quality) {
            best = Some((quality, media));
        }
    }
    best.map(|(_, media)| media).ok_or_else(|| Refusal::Accept { found: short(accept) })
}

fn known(name: &str) -> Option<Media> {
    KNOWN.into_iter().find(|media| media.name.eq_ignore_ascii_case(name))
}

/// What to give to one who takes all of `range`, and sent `sent`.
fn within(range: &str, sent: Media) -> Option<Media> {
    let Some(family) = range.strip_suffix('*') else { return known(range) };
    let is_within = |media: &Media| family == "*/" || media.name.starts_with(&family.to_ascii_lowercase());
    [sent].into_iter().chain(KNOWN).find(is_within)
}

fn short(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_names_the_form_and_may_name_the_schema() {
        let form = |text: &str| sent(Some(text)).map(|(media, schema)| (media.form, schema)).ok();
        assert_eq!(form("application/json"), Some((Form::Json, None)));
        assert_eq!(form("Application/JSON; charset=utf-8"), Some((Form::Json, None)));
        assert_eq!(form("application/x-ndjson"), Some((Form::JsonLines, None)));
        assert_eq!(form("text/csv; feature_schema=7"), Some((Form::Csv, Some(7))));
        for bad in ["", "text/html", "application/x-www-form-urlencoded", "text/csv;feature_schema=one"] {
            assert_eq!(form(bad), None, "{bad}");
        }
        assert!(matches!(sent(None), Err(Refusal::ContentType { .. })));
    }

    #[test]
    fn what_is_accepted_is_given_and_all_the_same_is_what_was_sent() {
        let [json, lines, _, csv] = KNOWN;
        let given = |accept: &str| wanted(Some(accept), csv).map(|media| media.form).ok();
        assert_eq!(wanted(None, lines).unwrap(), lines);
        assert_eq!(given(""), Some(Form::Csv));
        assert_eq!(given("*/*"), Some(Form::Csv));
        assert_eq!(given("application/*"), Some(Form::Json));
        assert_eq!(given("text/html, application/jsonlines;q=0.5, application/json;q=0.9"), Some(Form::Json));
        assert_eq!(given("text/html, */*;q=0.1"), Some(Form::Csv));
        assert_eq!(given("application/json;q=0"), None);
        assert_eq!(given("image/png"), None);
        assert_eq!(wanted(Some("text/*"), json).unwrap(), csv);
    }
}
