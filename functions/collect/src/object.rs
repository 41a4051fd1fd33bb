//! An object in a bucket: a whole sweep.
//!
//! The object comes piece by piece and is unpacked as it comes, so that a packed one is never there twice, and its size is
//! bounded by what it becomes. Its readings are taken at the object's time where they have none of their own, and that time
//! is the event's: a repeated delivery takes them at the same.

use std::io::Write;

use aws_smithy_types::byte_stream::ByteStream;
use flate2::write::GzDecoder;
use linkcast_domain::ports::Coverage;
use linkcast_domain::{ParseTimestampError, Timestamp};
use linkcast_lambda::chain;
use linkcast_pipeline::Sweep;
use linkcast_telemetry::{Origin, parse, recognise};

use crate::sweep::sweep_of;
use crate::trigger::ObjectPlace;

/// The most an object may hold, unpacked: a sweep of a hundred thousand ports.
const LARGEST_OBJECT: usize = 256 * 1024 * 1024;

/// Why an object gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// It broke off, or is not packed as its name says.
    #[error("could not read {place}: {reason}")]
    Read {
        /// Which.
        place: String,
        /// Why.
        reason: String,
    },
    /// It is too large.
    #[error("{place} holds more than {LARGEST_OBJECT} bytes")]
    TooLarge {
        /// Which.
        place: String,
    },
    /// No format claims it.
    #[error(
        "{place} is of no known format: expected the output of an exporter or diagnostic, or a sample file"
    )]
    Format {
        /// Which.
        place: String,
    },
    /// The event's time is none.
    #[error("the event of {place} has no time")]
    Time {
        /// Which.
        place: String,
        /// Why.
        #[source]
        source: ParseTimestampError,
    },
}

/// The sweep an object holds.
pub(crate) async fn sweep_in(
    place: &ObjectPlace,
    key: &str,
    time: &str,
    body: ByteStream,
) -> Result<Sweep, ObjectError> {
    let name = format!("s3://{}/{key}", place.bucket.name);
    let time: Timestamp = time.parse().map_err(|source| ObjectError::Time { place: name.clone(), source })?;
    let bytes = read(&name, key.ends_with(".gz"), body).await?;
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let format = recognise(plain, &bytes).ok_or_else(|| ObjectError::Format { place: name.clone() })?;
    let parsed = parse(format, &bytes, &Origin { time: Some(time), ..Origin::named(plain) });
    // A source is a bucket: each object is its next sweep.
    Ok(sweep_of(format!("s3://{}", place.bucket.name), parsed, time, Coverage::Selective))
}

/// The object's bytes, unpacked as they come.
async fn read(place: &str, is_packed: bool, mut body: ByteStream) -> Result<Vec<u8>, ObjectError> {
    let broken = |reason: String| ObjectError::Read { place: place.to_owned(), reason };
    let mut unpacker = GzDecoder::new(Vec::new());
    let mut plain = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| broken(chain(&error)))?;
        let length = if is_packed {
            unpacker.write_all(&piece).map_err(|error| broken(error.to_string()))?;
            unpacker.get_ref().len()
        } else {
            plain.extend_from_slice(&piece);
            plain.len()
        };
        if length > LARGEST_OBJECT {
            return Err(ObjectError::TooLarge { place: place.to_owned() });
        }
    }
    if is_packed { unpacker.finish().map_err(|error| broken(error.to_string())) } else { Ok(plain) }
}

/// A key as the bucket's own records write it: plus for space, and percent signs.
pub(crate) fn unescaped(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        let digit = || rest.clone().next().and_then(|digit| char::from(digit).to_digit(16));
        match byte {
            b'+' => bytes.push(b' '),
            b'%' if digit().is_some() => {
                let digits = (rest.next(), rest.next());
                let value = |digit: Option<u8>| digit.and_then(|digit| char::from(digit).to_digit(16));
                let byte = value(digits.0).unwrap_or(0) << 4 | value(digits.1).unwrap_or(0);
                bytes.push(byte as u8);
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_the_bucket_wrote_it() {
        assert_eq!(unescaped("sweeps/2026-01-01T00%3A00+leaf.txt"), "sweeps/2026-01-01T00:00 leaf.txt");
        assert_eq!(unescaped("100%"), "100%");
    }
}
