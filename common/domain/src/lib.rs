//! The nouns of Linkcast, with their units.
//!
//! Everything here is a plain value or a port (a trait the outside world implements). The crate depends on no
//! other room, does no IO and sees no clock but the one handed in, so that every other room can speak these
//! words without inheriting anyone's dependencies.

mod answering;
mod budget;
mod clock;
mod condition;
mod counter_name;
mod endpoint;
mod episode;
mod features;
mod feedback;
mod identity;
mod insight;
mod link;
mod notice;
mod packed_sample;
pub mod packing;
pub mod ports;
mod prediction;
mod registry;
mod retry;
mod review;
mod sample;
mod short_text;
mod text_hash;
mod timestamp;

pub use answering::{
    Answer, AnswerError, AskError, Cost, FailureKind, HttpProtocol, Instance, InvocationAnswer,
    InvocationError, InvocationRequest, KnotError, NanoDollars, PiecewiseLinear, Prediction, RowPlace,
    RowsError, SageMakerFormat, Target, Usage, answers_of_csv, apportion, csv_of_answers, csv_of_vectors,
    vectors_of_csv, vectors_of_json, vectors_of_json_lines,
};
pub use budget::Budget;
pub use clock::{Clock, FixedClock, SystemClock};
pub use condition::{Alert, AlertState, Cause, Condition, ConditionState, ParseCauseError};
pub use counter_name::CounterName;
pub use endpoint::{Hosting, endpoint_name, endpoint_stem, plain_name};
pub use episode::{BenignKind, Channel, Episode, EpisodeKind, Showing};
pub use features::{
    FEATURE_COUNT, FEATURE_SCHEMA_VERSION, FEATURES, Feature, FeatureDefinition, FeatureVector,
    UnknownFeatureError,
};
pub use feedback::{
    Correction, CorrectionError, Feedback, FeedbackGiver, FeedbackNote, FeedbackSource, FeedbackStanding,
    FeedbackVerdict, FeedbackVerdictError, FeedbackWord, MOST_GIVERS, ParseFeedbackGiverError,
    ParseFeedbackNoteError, VerdictWord, WordTaken,
};
pub use identity::{NodeGuid, ParseGuidError, ParseStreamIdError, PortId, StreamId};
pub use insight::{
    Attempt, AttemptOutcome, Influencer, Insight, InsightId, ModelIdentity, ParseInsightIdError,
};
pub use link::{LinkRate, NodeKind, PortFacts, PortState};
pub use notice::{Notice, NoticeKind, ParseSeverityError, Severity};
pub use prediction::{ParsePredictionTypeError, PredictionType};
pub use registry::{
    Added, Alias, Aliases, Approval, DIGEST_PROPERTY, Decision, FileFacts, Lineage, ModelFacts, ModelName,
    ModelVersion, ParseAliasError, ParseModelVersionError, Pointer, RegisteredModel, Registry, RegistryError,
    Ruling, SyncAction, SyncConflict, SyncStep, TASK_PROPERTY, VERSION_PROPERTY, sync_properties, sync_steps,
};
pub use retry::Retry;
pub use review::{
    Asked, Judgement, ModelOpinion, ParseReviewIdError, ParseReviewVerdictError, ParseReviewerError,
    Recorded, Review, ReviewDesk, ReviewId, ReviewItem, ReviewVerdict, Reviewed, Reviewer, RuleOpinion,
    Standing,
};
pub use sample::{SAMPLE_FIELD_COUNT, Sample, SampleField, SampleValues, UnknownSampleFieldError};
pub use text_hash::{TextHash, TextHasher};
pub use timestamp::{ParseTimestampError, Timestamp};
