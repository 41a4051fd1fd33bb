//! Going on until it is done, with a bar and a deadline: what the provisioner is told to wait for is waited for here.

use std::time::{Duration, Instant};

use linkcast_aws::Endpoints;
use linkcast_domain::ports::Change;
use linkcast_domain::{Budget, SystemClock};
use linkcast_provisioning::{Aim, OWN_DEADLINE, Outcome, Provisioner, Waiting};
use linkcast_server::told_to_stop;

use crate::database::ready;
use crate::exit::{ExitKind, Failure};
use crate::output::Notes;
use crate::progress::Progress;

/// Goes on towards `aim` for `timeout` at most; gives what was changed.
pub(super) fn follow(
    plane: &Endpoints,
    aim: &Aim,
    timeout: Duration,
    notes: Notes,
) -> Result<Vec<Change>, Failure> {
    let begun = Instant::now();
    let mut stop = Box::pin(told_to_stop().map_err(|error| Failure::new(ExitKind::Machine, error))?);
    let mut progress = Progress::new(notes, "provision", None);
    let mut provisioner = Provisioner::new(plane, aim, &SystemClock, OWN_DEADLINE);
    let mut told = 0;
    loop {
        let left = timeout.saturating_sub(begun.elapsed());
        let budget = Budget::of(left, &SystemClock);
        let outcome = ready(async {
            tokio::select! {
                outcome = provisioner.advance(&budget) => Some(outcome),
                () = &mut stop => None,
            }
        });
        for change in provisioner.made().iter().skip(told) {
            notes.inform(format!("done: {}", change.attempt()));
            progress.advance(1);
        }
        told = provisioner.made().len();
        let waiting = match outcome {
            None => return Err(interrupted()),
            Some(Outcome::Done) => return Ok(provisioner.made().to_vec()),
            Some(Outcome::Stuck(stuck)) => return Err(stuck.into()),
            Some(Outcome::LookAgain(waiting)) => waiting,
        };
        let left = timeout.saturating_sub(begun.elapsed());
        if left.is_zero() || left < waiting.look_again {
            return Err(unfinished(&waiting, timeout));
        }
        progress.remark(waiting.what.clone());
        progress.advance(0);
        let is_over = ready(async {
            tokio::select! {
                () = tokio::time::sleep(waiting.look_again) => false,
                () = &mut stop => true,
            }
        });
        if is_over {
            return Err(interrupted());
        }
    }
}

fn unfinished(waiting: &Waiting, timeout: Duration) -> Failure {
    let text = format!("it is not done after {} s: {}", timeout.as_secs(), waiting.what);
    Failure::new(ExitKind::Unfinished, text)
        .with_next_step("call again: it goes on from where it is; --timeout gives it longer")
}

fn interrupted() -> Failure {
    Failure::new(ExitKind::Interrupted, "stopped before it was done")
        .with_next_step("call again: it goes on from where it is")
}
