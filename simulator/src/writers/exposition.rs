//! Prometheus text, family by family, with each exporter's way of writing numbers.

use std::io::{self, Write};

use super::View;
use super::vocabulary::{Label, Vocabulary};

/// Writes a sweep in an exporter's words.
pub(super) fn write(vocabulary: Vocabulary, views: &[View<'_>], out: &mut dyn Write) -> io::Result<()> {
    let labels: Vec<String> =
        views.iter().map(|view| rendered(&vocabulary.labels(view), vocabulary)).collect();
    for family in vocabulary.families() {
        writeln!(out, "# TYPE {} {}", family.name, family.kind)?;
        for (view, labels) in views.iter().zip(&labels) {
            let Some(value) = family.value(vocabulary, view) else { continue };
            write!(out, "{}{{{labels}", family.name)?;
            let further = family.further_labels(view);
            if !further.is_empty() {
                write!(out, ",{}", rendered(&further, vocabulary))?;
            }
            write!(out, "}} {}", number(vocabulary, value))?;
            match view.reading.time.filter(|_| vocabulary == Vocabulary::Ufm) {
                Some(time) => writeln!(out, " {}", time.millis())?,
                None => writeln!(out)?,
            }
        }
    }
    Ok(())
}

/// Labels as text; UFM puts a space behind the comma.
fn rendered(labels: &[Label], vocabulary: Vocabulary) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    pairs.join(if vocabulary == Vocabulary::Ufm { ", " } else { "," })
}

fn number(vocabulary: Vocabulary, value: f64) -> String {
    match vocabulary {
        Vocabulary::Guilbaults => python_number(value),
        _ => format!("{value}"),
    }
}

/// As Python's client writes a float: `1.0`, and from a million on `5.149057134655e+012`.
fn python_number(value: f64) -> String {
    let digits = format!("{value}");
    if digits.len() <= 6 {
        return format!("{value:?}");
    }
    let (first, rest) = digits.split_at(1);
    let mantissa = format!("{first}.{rest}");
    format!("{}e+0{}", mantissa.trim_end_matches(['0', '.']), rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_pythons_client_does() {
        assert_eq!(python_number(1.0), "1.0");
        assert_eq!(python_number(5_149_057_134_655.0), "5.149057134655e+012");
        assert_eq!(python_number(2_000_000.0), "2e+06");
    }
}
