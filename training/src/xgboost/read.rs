//! From bytes to the document: which form it is, and where it breaks.

use serde::Deserialize;

use super::XgboostError;
use super::document::Document;
use super::ubjson::Ubjson;

/// Reads either form; they are told apart by their first bytes, as file names are often `xgboost-model`.
pub(super) fn document(bytes: &[u8]) -> Result<Document, XgboostError> {
    let first = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len());
    match bytes.get(first..).unwrap_or_default() {
        [b'{', b'"' | b' ' | b'\n' | b'\r' | b'\t' | b'}', ..] => json(bytes),
        [b'{', ..] => ubjson(bytes),
        [] => Err(XgboostError::Form { found: "empty" }),
        [0x80, 2..=5, ..] => {
            Err(XgboostError::Form { found: "a pickle, which is never opened, as it runs code" })
        }
        [b'b', b'i', b'n', b'f', ..] | [b'b', b's', b'6', b'4', ..] => {
            Err(XgboostError::Form { found: OLD_FORM })
        }
        [0x1f, 0x8b, ..] => Err(XgboostError::Form { found: "compressed" }),
        // The old form without its mark begins with the starting score, which is 0.5 unless set.
        [0, 0, 0, b'?', ..] => Err(XgboostError::Form { found: OLD_FORM }),
        _ => Err(XgboostError::Form { found: "of a form that is not known" }),
    }
}

const OLD_FORM: &str = "xgboost's old binary form";

fn json(bytes: &[u8]) -> Result<Document, XgboostError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let document = serde_path_to_error::deserialize(&mut reader).map_err(|error| broken("JSON", error))?;
    reader.end().map_err(|source| XgboostError::Document {
        form: "JSON",
        field: "its end".to_owned(),
        source: source.into(),
    })?;
    Ok(document)
}

fn ubjson(bytes: &[u8]) -> Result<Document, XgboostError> {
    let mut reader = Ubjson::new(bytes);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let document =
        Document::deserialize(tracked).map_err(|source| (track.path().to_string(), source)).and_then(
            |document| reader.end().map(|()| document).map_err(|source| ("its end".to_owned(), source)),
        );
    document.map_err(|(field, source)| XgboostError::Document {
        form: "UBJSON",
        field,
        source: source.into(),
    })
}

fn broken(form: &'static str, error: serde_path_to_error::Error<serde_json::Error>) -> XgboostError {
    XgboostError::Document { form, field: error.path().to_string(), source: error.into_inner().into() }
}
