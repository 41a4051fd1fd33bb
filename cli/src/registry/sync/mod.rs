//! Making our registry and SageMaker's agree: reading both, and taking the steps that the plan names.
//!
//! Each step is its own: one that fails keeps none from being taken, and as every run plans anew from what is there, a run that
//! broke off is finished by the next. What a step is about to change is looked at once more first, so that what somebody decided
//! since the plan was made is not written over.

mod patience;
mod steps;

use linkcast_domain::ports::{ModelArchives, ModelPackages, PackagesError, SeenPackage};
use linkcast_domain::{Alias, Clock, SyncAction, SyncConflict, SyncStep, sync_steps};
use linkcast_scoring::TASK;
use linkcast_training::package::ServingImage;

pub(crate) use patience::Patience;

use super::{Models, refusal};
use crate::database::ready;
use crate::exit::{ExitKind, Failure};
use crate::output::Notes;
use crate::progress::Progress;

/// Whether steps are taken or only named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They are taken.
    Act,
    /// They are named.
    DryRun,
}

/// Whether versions that only the other side has are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strangers {
    /// They are.
    Import,
    /// They are named.
    Leave,
}

/// Both registries, and how packages are made.
pub(crate) struct Sync<'a, P, C> {
    /// SageMaker's.
    pub(crate) platform: &'a P,
    /// Ours.
    pub(crate) models: &'a Models,
    /// How long all of it may take.
    pub(crate) patience: Patience<C>,
    /// The group on SageMaker's side.
    pub(crate) group: String,
    /// The fabric whose models these are.
    pub(crate) fabric: &'a str,
    /// Where archives go.
    pub(crate) bucket: String,
    /// Who is to serve them.
    pub(crate) image: ServingImage,
    /// The address of that image.
    pub(crate) image_address: String,
    /// Who does this.
    pub(crate) by: &'a str,
    /// Whether anything is done.
    pub(crate) mode: Mode,
    /// What becomes of versions we do not know.
    pub(crate) strangers: Strangers,
    /// Who is told how it goes.
    pub(crate) notes: Notes,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was taken; what there is to tell of it.
    Done(String),
    /// It would be taken.
    Planned,
    /// It was left for another run, and why.
    Left(String),
    /// It failed, and why.
    Failed(String),
    /// Neither side can be taken.
    Conflict,
}

impl<P: ModelPackages + ModelArchives, C: Clock> Sync<'_, P, C> {
    /// Takes every step that makes both sides agree; `told` hears of each, in order.
    pub(crate) fn run(
        &self,
        mut told: impl FnMut(&SyncStep, &Outcome) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let has_group = self.ask(|| ready(self.platform.has_group(&self.group)))?;
        let seen = if has_group { self.seen()? } else { Vec::new() };
        let steps = self.plan(&seen)?;
        let makes = steps.iter().any(|step| step.action == SyncAction::Create) && self.mode == Mode::Act;
        if makes && !has_group {
            let description = format!("Linkcast: {TASK} of fabric {}", self.fabric);
            self.ask(|| ready(self.platform.make_group(&self.group, &description)))?;
        }
        for step in &steps {
            let outcome = match (&step.action, self.mode) {
                (SyncAction::Conflict(_), _) => Outcome::Conflict,
                (SyncAction::Import { .. }, _) if self.strangers == Strangers::Leave => {
                    Outcome::Left("take it over with --import".to_owned())
                }
                (_, Mode::DryRun) => Outcome::Planned,
                (_, Mode::Act) => self.take(step, &seen).unwrap_or_else(Outcome::Failed),
            };
            told(step, &outcome)?;
        }
        if makes { self.look_for_duplicates(&steps, told) } else { Ok(()) }
    }

    /// What two syncs at once made twice shows only after both are done.
    fn look_for_duplicates(
        &self,
        before: &[SyncStep],
        mut told: impl FnMut(&SyncStep, &Outcome) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let steps = self.plan(&self.seen()?)?;
        let twice = |step: &&SyncStep| {
            matches!(step.action, SyncAction::Conflict(SyncConflict::Duplicate { .. }))
                && !before.contains(step)
        };
        steps.iter().filter(twice).try_for_each(|step| told(step, &Outcome::Conflict))
    }

    fn plan(&self, seen: &[SeenPackage]) -> Result<Vec<SyncStep>, Failure> {
        let aliases = ready(self.models.registry().aliases()).map_err(refusal)?;
        let ours = ready(self.models.registry().models()).map_err(refusal)?;
        Ok(sync_steps(&ours, aliases.version(Alias::Live), TASK, seen))
    }

    /// Every package of the group.
    fn seen(&self) -> Result<Vec<SeenPackage>, Failure> {
        let mut progress = Progress::new(self.notes, "packages", None);
        let (mut seen, mut from) = (Vec::new(), None);
        loop {
            let page = self.ask(|| ready(self.platform.page(&self.group, from.as_deref())))?;
            for reference in &page.references {
                seen.push(self.ask(|| ready(self.platform.package(reference)))?);
                progress.advance(1);
            }
            match page.next {
                // A page that begins where it ended would be asked for ever.
                Some(next) if from.as_ref() != Some(&next) => from = Some(next),
                _ => return Ok(seen),
            }
        }
    }

    fn ask<T>(&self, call: impl FnMut() -> Result<T, PackagesError>) -> Result<T, Failure> {
        self.patience.ask(call).map_err(packages_failure)
    }
}

/// Why SageMaker's registry or an archive's bucket did not do what it was asked.
pub(crate) fn packages_failure(error: PackagesError) -> Failure {
    let step = match error.retry() {
        linkcast_domain::Retry::Never => {
            "see `linkcast models sync --help` and docs/REGISTRY.md for what it needs"
        }
        _ => "call again in a while: what is done is not done again",
    };
    Failure::new(ExitKind::Machine, error).with_next_step(step)
}
