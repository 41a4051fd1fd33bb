//! What asks for a verdict, and how far those who give them agree, told.

use linkcast_domain::Reviewed;
use linkcast_domain::ports::ReviewItems;
use linkcast_training::{Agreement, Kappa, agreement};

use super::{ListArguments, Session, Wanted};
use crate::arguments::DatabaseArguments;
use crate::database::{open_existing, wait};
use crate::exit::Failure;
use crate::output::{Form, Table};

pub(super) fn list(arguments: &ListArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(&arguments.database, session.configuration)?;
    let wanted = if arguments.needs_second { Wanted::Single } else { arguments.standing };
    let asked = if arguments.reviewer.is_some() { usize::MAX } else { arguments.limit };
    let mut items = wait(store.review_queue(wanted.standing(), asked))?;
    if let Some(reviewer) = &arguments.reviewer {
        items.retain(|item| item.reviews.iter().all(|review| review.reviewer != *reviewer));
    }
    items.truncate(arguments.limit);
    match session.form {
        Form::JsonLines => items.iter().try_for_each(|item| session.output.json(item))?,
        Form::Text => table(&items).lines().iter().try_for_each(|line| session.output.line(line))?,
    }
    if items.is_empty() {
        session.notes.warn("nothing of this kind asks for a verdict");
    }
    Ok(())
}

fn table(items: &[Reviewed]) -> Table {
    let headings = [
        "item",
        "priority",
        "stream",
        "time",
        "rules say",
        "sure",
        "rule",
        "disputed by",
        "model says",
        "verdicts",
    ];
    let mut table = Table::new(&headings);
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    for reviewed in items {
        let item = &reviewed.item;
        let model = item.model.map(|model| format!("{} ({:.2})", model.class, model.confidence));
        let verdicts: Vec<String> = reviewed
            .standing_reviews()
            .iter()
            .map(|review| format!("{}: {}", review.reviewer, review.verdict))
            .collect();
        table.row(vec![
            item.id.to_string(),
            format!("{:.1}", item.priority),
            item.stream.to_string(),
            item.time.to_string(),
            item.rules.class.to_string(),
            format!("{:.2}", item.rules.confidence),
            or_none(&item.rules.rule),
            or_none(&item.rules.disputed_by),
            or_none(&model),
            or_none(&Some(verdicts.join(", ")).filter(|verdicts| !verdicts.is_empty())),
        ]);
    }
    table
}

pub(super) fn agree(database: &DatabaseArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let store = open_existing(database, session.configuration)?;
    let pairs = agreement(&wait(store.review_queue(None, usize::MAX))?);
    match session.form {
        Form::JsonLines => pairs.iter().try_for_each(|pair| session.output.json(pair))?,
        Form::Text => pair_table(&pairs).lines().iter().try_for_each(|line| session.output.line(line))?,
    }
    if pairs.is_empty() {
        session.notes.warn(
            "no item was judged by two reviewers: `linkcast review list --needs-second` shows what could be",
        );
    }
    Ok(())
}

fn pair_table(pairs: &[Agreement]) -> Table {
    let mut table =
        Table::new(&["reviewers", "verdict", "items", "same", "by chance", "kappa", "95 % interval"]);
    let mut row = |name: String, verdict: &str, kappa: &Kappa| {
        let none = || "-".to_owned();
        table.row(vec![
            name,
            verdict.to_owned(),
            kappa.items.to_string(),
            format!("{:.3}", kappa.observed),
            format!("{:.3}", kappa.expected),
            kappa.kappa.map_or_else(|| "undefined".to_owned(), |kappa| format!("{kappa:.3}")),
            kappa.interval.map_or_else(none, |[low, high]| format!("{low:.3} to {high:.3}")),
        ]);
    };
    for pair in pairs {
        row(format!("{} and {}", pair.one, pair.other), "all", &pair.kappa);
        for one in &pair.verdicts {
            row(String::new(), one.verdict.name(), &one.kappa);
        }
    }
    table
}
