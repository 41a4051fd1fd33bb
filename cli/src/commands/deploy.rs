//! `linkcast deploy`: a registered model to an endpoint of its own, and from there to the streams.
//!
//! Packed, uploaded, provisioned; then, where nobody answers yet, it is the first policy's live variant, and where somebody does, a rollout
//! begins and takes it there step by step. Called again it goes on where it was broken off, and changes nothing where all is done.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use linkcast_domain::{Clock, ModelName, RegisteredModel, SageMakerFormat, SystemClock, Target, plain_name};
use linkcast_pipeline::{NoBus, RolloutDesk, RoutingDesk};
use linkcast_routing::rollout::{Asked, RolloutPlan};
use linkcast_routing::{Policy, PolicyText, VariantName};
use linkcast_scoring::TASK;
use linkcast_training::package::ServingImage;
use serde_json::{Value, json};

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::configuration::Configuration;
use crate::database::{self, ready};
use crate::exit::{ExitKind, Failure, chain};
use crate::output::Form;
use crate::recipe::{Recipe, text, words};
use crate::registry::{FolderPlace, Models};
use crate::store::StorePlace;

/// Bring a registered model to an endpoint of its own, and its rollout on its way.
#[derive(Args, Debug)]
#[command(
    after_help = "Steps, each told before it is done and each a command of its own: package --upload, provision --own-endpoint, then\nthe first routing policy, or rollout start. What follows -- goes to `linkcast provision` as it is.\n\nExamples:\n  linkcast deploy candidate --store dynamodb:linkcast-lab --models s3:BUCKET --image-uri IMAGE --role ARN\n  linkcast deploy live --store dynamodb:linkcast-lab --image-uri IMAGE --role ARN -- --serverless --memory 2048\n  linkcast deploy candidate --store … --image-uri IMAGE --role ARN -- --realtime --instance ml.c7g.large --min 1 --max 5"
)]
pub(crate) struct DeployArguments {
    /// A version, or live, candidate or previous.
    #[arg(value_name = "MODEL", default_value = "candidate")]
    model: ModelName,
    #[command(flatten)]
    pub(super) serving: ServingArguments,
    #[command(flatten)]
    database: DatabaseArguments,
    /// What is agreed of the rollout, as docs/ROLLOUT.md has it, without its candidate.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["shortest_hours", "least"])]
    plan: Option<PathBuf>,
    /// Hours each of the rollout's steps lasts at least (default: 24).
    #[arg(long, value_name = "HOURS")]
    shortest_hours: Option<u32>,
    /// Questions each of the rollout's steps needs at least (default: 300).
    #[arg(long, value_name = "N")]
    least: Option<u64>,
    /// Who does this, as the registry and the rollout remember it (default: USER).
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// By what a model is served.
#[derive(Args, Clone, Debug)]
pub(super) struct ServingArguments {
    /// The image that serves it, in ECR.
    #[arg(long, value_name = "IMAGE")]
    pub(super) image_uri: String,
    /// The role the container takes on.
    #[arg(long, value_name = "ARN")]
    pub(super) role: String,
    /// Whose image that is: ours, or SageMaker's own for pytorch or xgboost.
    #[arg(long, value_name = "KIND", default_value = "ours")]
    pub(super) image: ServingImage,
    /// The bucket of models, s3:BUCKET (default: LINKCAST_MODELS).
    #[arg(long, value_name = "PLACE")]
    pub(super) models: Option<FolderPlace>,
    /// What `linkcast provision` is told beside: machines, memory, how long to go on.
    #[arg(last = true, value_name = "PROVISION OPTIONS")]
    pub(super) provision: Vec<OsString>,
}

/// What was done.
struct Deployed {
    version: String,
    endpoint: String,
    variant: VariantName,
    standing: Standing,
}

/// How the model answers now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// All streams are its own: nobody answered before.
    First,
    /// Its rollout began.
    Begun,
    /// The policy names it already.
    Before,
}

impl Standing {
    fn name(self) -> &'static str {
        match self {
            Standing::First => "first",
            Standing::Begun => "rollout_begun",
            Standing::Before => "named_before",
        }
    }
}

/// Deploys.
pub(crate) fn execute(arguments: &DeployArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let place = arguments.database.place(session.configuration).ok_or_else(database::unnamed)?;
    let deployed = arguments.deploy(&place, session)?;
    let Deployed { version, endpoint, variant, standing } = deployed;
    match session.form {
        Form::JsonLines => session.output.json(&json!({
            "version": version, "endpoint": endpoint, "variant": variant, "standing": standing.name(),
        }))?,
        Form::Text => session.output.line(&match standing {
            Standing::First => {
                format!("version {version} answers for every stream as {variant}, from {endpoint}")
            }
            Standing::Begun => format!(
                "the rollout of version {version} has begun as {variant}, at {endpoint}\nnext: linkcast rollout status --store {place}"
            ),
            Standing::Before => {
                format!("version {version} is at {endpoint}, and the policy names it as {variant} already")
            }
        })?,
    }
    Ok(())
}

impl DeployArguments {
    fn deploy(&self, place: &StorePlace, session: &Session<'_>) -> Result<Deployed, Failure> {
        let configuration = session.configuration;
        let folders = self.serving.models.as_ref();
        let store = database::open_place(place, configuration)?;
        let models = Models::new(store, place, folders, configuration)?;
        let (model, _) = models.find(&self.model)?;
        let version = model.facts.version.to_string();
        let recipe = Recipe::new(session.notes)?;
        let endpoint = self.serving.provisioned(&recipe, (place, &version))?;
        let variant = variant_of(&version)?;
        let desk = RoutingDesk::new(models.store(), TASK);
        let found = ready(desk.policy()).map_err(|error| {
            Failure::new(ExitKind::UnusableInput, chain(&error))
                .with_next_step("write a policy that can be followed with `linkcast routing set FILE`")
        })?;
        let standing = match &found {
            Some(policy) if policy.value.variants().iter().any(|one| one.name == variant) => Standing::Before,
            Some(_) if is_under_way(&models, configuration, &variant)? => Standing::Begun,
            Some(_) => {
                match &self.plan {
                    None => self.begin(&recipe, place, (&model, &variant, &endpoint))?,
                    Some(plan) => {
                        self.begin_as_agreed(plan, (&models, session), (&model, &variant, &endpoint))?;
                    }
                }
                Standing::Begun
            }
            None => {
                write_first(&desk, &variant, &endpoint)?;
                Standing::First
            }
        };
        Ok(Deployed { version, endpoint, variant, standing })
    }

    fn begin(
        &self,
        recipe: &Recipe,
        place: &StorePlace,
        (model, variant, endpoint): (&RegisteredModel, &VariantName, &str),
    ) -> Result<(), Failure> {
        let facts = &model.facts;
        let (version, place) = (facts.version.to_string(), place.to_string());
        let reason = format!("version {version} was deployed");
        let mut said = words(["rollout", "start", "--candidate", variant.as_str(), "--endpoint", endpoint]);
        said.extend(words(["--model", &version, "--digest", &facts.digest, "--reason", &reason]));
        said.extend(words(["--store", &place]));
        let numbers = [
            ("--shortest-hours", self.shortest_hours.map(|hours| hours.to_string())),
            ("--least", self.least.map(|least| least.to_string())),
            ("--by", self.by.clone()),
        ];
        for (name, value) in numbers {
            said.extend(value.into_iter().flat_map(|value| words([name, &value])));
        }
        recipe.step(&said)
    }

    /// The same by a plan in a file.
    fn begin_as_agreed(
        &self,
        file: &Path,
        (models, session): (&Models, &Session<'_>),
        (model, variant, endpoint): (&RegisteredModel, &VariantName, &str),
    ) -> Result<(), Failure> {
        let facts = &model.facts;
        let candidate = json!({
            "name": variant,
            "target": { "kind": "sagemaker", "endpoint": endpoint },
            "model": { "version": facts.version, "digest": facts.digest },
        });
        let plan = agreed(file, candidate).map_err(|told| {
            Failure::new(ExitKind::UnusableInput, format!("{}: {told}", file.display()))
                .with_next_step("see docs/ROLLOUT.md for a plan; deploy says who the candidate is")
        })?;
        let configuration = session.configuration;
        let by = self.by.clone().unwrap_or_else(|| configuration.user.clone());
        let reason = format!("version {} was deployed", facts.version);
        let asked = Asked { by: &by, reason: &reason, at: SystemClock.now() };
        let desk = RolloutDesk::new(models.store(), &NoBus, (&configuration.fabric, TASK));
        ready(desk.start(plan, asked)).map(drop).map_err(|error| {
            Failure::new(ExitKind::Refused, chain(&error))
                .with_next_step("look at it with `linkcast rollout status`")
        })
    }
}

/// The plan in `file` with its candidate.
fn agreed(file: &Path, candidate: Value) -> Result<RolloutPlan, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let mut terms: serde_json::Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if terms.insert("candidate".to_owned(), candidate).is_some() {
        return Err("candidate: found one, expected none".to_owned());
    }
    RolloutPlan::parse(&Value::Object(terms).to_string()).map_err(|error| chain(&error))
}

impl ServingArguments {
    /// Packs and uploads the version and makes its endpoint; gives the endpoint's name.
    fn provisioned(&self, recipe: &Recipe, (place, version): (&StorePlace, &str)) -> Result<String, Failure> {
        let packed = recipe.ask(&self.package(place, version))?;
        let mut said = words(["provision", "--own-endpoint", "--model-data", &text(&packed, "address")?]);
        said.extend(words(["--image", &self.image_uri, "--role", &self.role]));
        let variables = packed.get("environment").and_then(Value::as_object).into_iter().flatten();
        for (name, value) in variables {
            said.extend(words(["--env", &format!("{name}={}", value.as_str().unwrap_or_default())]));
        }
        said.extend(self.provision.iter().cloned());
        text(&recipe.ask(&said)?, "endpoint")
    }

    fn package(&self, place: &StorePlace, version: &str) -> Vec<OsString> {
        let (model, store, image) =
            (format!("registry:{version}"), place.to_string(), self.image.to_string());
        let mut said = words(["package", &model, "--image", &image, "--store", &store, "--upload"]);
        if let Some(folders) = &self.models {
            let place = folders.to_string();
            said.extend(words([&place, "--models", &place]));
        }
        said
    }
}

/// Whether the variant's rollout runs already: a shadow is in no policy yet.
fn is_under_way(
    models: &Models,
    configuration: &Configuration,
    variant: &VariantName,
) -> Result<bool, Failure> {
    let desk = RolloutDesk::new(models.store(), &NoBus, (&configuration.fabric, TASK));
    let found = ready(desk.current()).map_err(|error| {
        Failure::new(ExitKind::Database, chain(&error))
            .with_next_step("look at it with `linkcast rollout status`")
    })?;
    Ok(found.is_some_and(|found| {
        !found.value.standing.phase.is_over() && found.value.plan.text().candidate.name == *variant
    }))
}

/// The variant's name, which stays with the model for good.
fn variant_of(version: &str) -> Result<VariantName, Failure> {
    let name: String = format!("v-{}", plain_name(version)).chars().take(40).collect();
    name.parse().map_err(|error| {
        Failure::new(ExitKind::WrongUse, error)
            .with_next_step("register the model under a version of letters and digits")
    })
}

/// The first policy: this endpoint for every stream, and the embedded model behind it.
fn write_first<I: linkcast_domain::ports::TaskItems>(
    desk: &RoutingDesk<'_, I>,
    variant: &VariantName,
    endpoint: &str,
) -> Result<(), Failure> {
    let (target_variant, component) = (None, None);
    let (endpoint, format) = (Some(endpoint.to_owned()), SageMakerFormat::default());
    let target = Target::Sagemaker { endpoint, format, target_variant, component };
    let standing = Policy::standing(TASK, Some(target));
    let mut text: PolicyText = standing.text().clone();
    for one in text.variants.iter_mut().filter(|one| one.target != Target::Embedded) {
        one.name = variant.clone();
    }
    let policy = Policy::of(text).map_err(|error| Failure::new(ExitKind::Machine, chain(&error)))?;
    ready(desk.put(&policy, 0)).map(drop).map_err(|error| {
        Failure::new(ExitKind::Refused, chain(&error))
            .with_next_step("somebody wrote a policy meanwhile: call this again")
    })
}
