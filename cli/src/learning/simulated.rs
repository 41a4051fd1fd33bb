//! Training rows straight from a simulated fabric, without a file between.

use linkcast_features::Calendar;
use linkcast_simulator::{Fabric, FabricPlan};
use linkcast_telemetry::Topology;

use super::rows::{CollectedRows, FailureRows, RowCollector, Thinning};
use crate::capture::SampleMaker;
use crate::exit::{ExitKind, Failure};
use crate::progress::Progress;

/// What a simulation gave.
pub(crate) struct SimulatedRows {
    /// The rows.
    pub(crate) rows: CollectedRows,
    /// How many samples they were taken from.
    pub(crate) samples: u64,
    /// How many faults were injected.
    pub(crate) faults: usize,
}

/// Runs the fabric that `plan` asks for and collects its rows.
pub(crate) fn simulated_rows(
    plan: FabricPlan,
    thinning: Thinning,
    failures: FailureRows,
    progress: &mut Progress,
) -> Result<SimulatedRows, Failure> {
    let mut fabric = Fabric::new(plan).map_err(|error| Failure::new(ExitKind::WrongUse, error))?;
    let episodes = fabric.episodes().to_vec();
    let mut collector = RowCollector::new(&episodes, Calendar::utc(), thinning, failures);
    let mut maker = SampleMaker::new(&Topology::default());
    let mut readings = Vec::new();
    while let Some(time) = fabric.next_sweep(&mut readings) {
        for reading in &mut readings {
            reading.time.get_or_insert(time);
            let Some(sample) = maker.sample(reading) else { continue };
            let stands_for = fabric.weight(&sample.stream).unwrap_or(1.0);
            collector.take(&sample, stands_for).map_err(|error| Failure::new(ExitKind::Machine, error))?;
        }
        progress.advance(1);
    }
    let faults = episodes.iter().filter(|episode| episode.fault().is_some()).count();
    Ok(SimulatedRows { samples: collector.samples(), rows: collector.finish(), faults })
}
