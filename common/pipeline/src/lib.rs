//! The use cases: collect, prepare, insight and alert, generic over the domain's ports.
//!
//! Each is a plain function over one stream's state; [`Pipeline::ingest`] runs the four after one another for a
//! whole sweep of readings, which is what the embedded binary does, and functions behind a queue call them one by one.
//! Nothing here does IO or looks at a clock of its own: time is the readings' time, so a replay of last week
//! behaves as last week did.

mod alerts;
pub mod apart;
mod codec;
mod conditions;
mod damaged;
mod drift;
mod facts;
mod feedback;
mod gate;
mod judge;
mod monitor;
mod notices;
mod notify;
mod pipeline;
mod read_ahead;
pub mod retraining;
mod rollout;
mod router;
mod routes;
mod settings;
mod shards;
mod silence;
mod sketching;
pub mod steps;
mod stream;
mod sweep;
mod verdicts;
mod watch;

pub use alerts::{AlertBook, KnownPorts, Patience, SOURCE_PREFIX, Settled};
pub use codec::StreamStateError;
pub use conditions::{Announced, Conditions, Silence, Step, Verdict, announced};
pub use damaged::DamagedItem;
pub use drift::{DriftDesk, DriftError, Freezing};
pub use facts::Fact;
pub use feedback::{
    FeedbackDesk, FeedbackError, Interval, JudgedFeedback, Outcome, OutcomeEvidence, QualityByHour,
    QualityCounts, VersionQuality, has_outcome, outcome, quality_by_version, wilson,
};
pub use gate::{Evidence, LastInsight, evidence, is_news, is_quiet_choice, risk_step};
pub use judge::{Judge, Judged, Judges, OneJudge, Reasons, Route};
pub use monitor::{
    Against, DriftLook, Health, Look, Measure, MeasureHealth, Monitor, MonitorError, MonitorReport,
    OutcomesRecorded, QualityHealth, Trouble, VariantHealth, judge_variants,
};
pub use notices::{
    ChannelLog, Delivered, NoBus, NoticeBoard, NoticeError, TOLD_FOR, Telling, TellingOutcome, channel_logs,
    deliver_notices,
};
pub use notify::{
    AlertmanagerAlert, JsonLines, NoticeText, WrittenLines, alertmanager_notice, alertmanager_payload,
    webhook_notice, webhook_payload, written_lines, written_notices,
};
pub use pipeline::{Pipeline, PipelineError};
pub use read_ahead::{READ_AHEAD_READINGS, read_ahead};
pub use rollout::{Advanced, RolloutDesk, RolloutError};
pub use router::{
    Disagreement, Opinion, RoutedJudge, Router, RouterNews, Routing, RoutingDesk, RoutingError,
};
pub use settings::{
    AlertPolicy, CausePolicy, CheckpointPolicy, ConditionPolicy, Durability, Echo, GatePolicy, MissingPolicy,
    Quiet, Settings,
};
pub use sketching::Sketching;
pub use stream::{Ground, Question};
pub use sweep::{Sweep, SweepReport, Tally};
pub use watch::{LinkEnds, SeenUp, Watch, Weighed};

#[cfg(test)]
mod tests;
