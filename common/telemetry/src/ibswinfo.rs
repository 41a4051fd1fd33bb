//! `ibswinfo`: a switch's temperatures, power and fans, as gauges of its port 0.
//!
//! A switch that will not tell a value prints the row empty: absent, not zero.

use linkcast_domain::{NodeGuid, PortId};

use crate::lines::lines;
use crate::{Counters, Fate, Origin, Parsed, Reading};

/// Reads one switch's report.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut parsed = Parsed::default();
    let mut switch = Switch { guid: origin.guid, supply: String::new(), gauges: Vec::new() };
    for line in lines(bytes) {
        let text = String::from_utf8_lossy(line);
        match switch.read_line(&text) {
            Ok(fate) => parsed.account.add(fate),
            Err(expected) => {
                parsed.account.add(Fate::Rejected);
                let field = text.split('|').next().unwrap_or_default().trim().as_bytes();
                parsed.rejects.add(origin, parsed.account.lines, Some(field), line, expected);
            }
        }
    }
    switch.gauges.sort_by(|(left, _), (right, _)| left.cmp(right));
    switch.gauges.dedup_by(|later, kept| later.0 == kept.0);
    if let Some(node) = switch.guid.filter(|_| !switch.gauges.is_empty()) {
        parsed.readings.push(Reading {
            stream: PortId { node, port: 0 }.into(),
            time: origin.time,
            counters: Counters::default(),
            other: Vec::new(),
            gauges: switch.gauges.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            facts: None,
        });
    }
    parsed
}

struct Switch {
    guid: Option<NodeGuid>,
    /// The power supply whose rows follow: `psu0`.
    supply: String,
    gauges: Vec<(String, f64)>,
}

impl Switch {
    fn read_line(&mut self, line: &str) -> Result<Fate, &'static str> {
        const MOST_GAUGES: usize = 1024;
        let Some((name, value)) = line.split_once('|') else { return Ok(Fate::Ignored) };
        let (name, value) = (name.trim(), value.trim());
        if let Some(supply) = name.strip_suffix(" status").filter(|name| name.starts_with("PSU")) {
            self.supply = supply.chars().take(16).collect::<String>().to_ascii_lowercase();
            return Ok(Fate::Ignored);
        }
        if name == "GUID" {
            self.guid = Some(value.parse().map_err(|_| "a GUID")?);
            return Ok(Fate::Used);
        }
        let gauge = match name {
            "temperature (C)" => "temperature_celsius".to_owned(),
            "max temp (C)" => "max_temperature_celsius".to_owned(),
            "power (W)" => format!("{}_power_watts", self.supply),
            _ => match name.strip_prefix("fan#").and_then(|rest| rest.strip_suffix(" (rpm)")) {
                Some(number) if number.len() < 4 => format!("fan{number}_rpm"),
                _ => return Ok(Fate::Ignored),
            },
        };
        if value.is_empty() || self.gauges.len() >= MOST_GAUGES {
            return Ok(Fate::Ignored);
        }
        let number = value.parse().ok().filter(|number: &f64| number.is_finite());
        self.gauges.push((gauge, number.ok_or("a number")?));
        Ok(Fate::Used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_no_number_costs_no_other() {
        let text = "GUID               | 0x1c34da0300010540\nPSU0 status        | OK\n     power (W)     | 72\n\
            temperature (C)    | foo\nmax temp (C)       | 57\nfan#1 (rpm)        |\n";
        let parsed = parse(text.as_bytes(), &Origin::named("switch"));
        assert_eq!(parsed.readings[0].stream.as_str(), "1c34da0300010540/0");
        assert_eq!(
            parsed.readings[0].gauges,
            [("max_temperature_celsius".into(), 57.0), ("psu0_power_watts".into(), 72.0)]
        );
        assert_eq!(parsed.rejects.kept()[0].field.as_deref(), Some("temperature (C)"));
        assert!(parsed.account.adds_up());
    }
}
