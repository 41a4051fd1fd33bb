//! `linkcast serve`: models behind HTTP, as a SageMaker container answers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use clap::Args;
use linkcast_scoring::TASK;
use linkcast_server::{
    BindError, EndpointName, Limits, ModelFact, ModelSource, Models, ModelsError, Notice, Server,
    ServerSettings, reload_on_hangup, told_to_stop,
};
use serde::Serialize;

use super::Session;
use crate::arguments::DatabaseArguments;
use crate::exit::{ExitKind, Failure};
use crate::interval::Interval;
use crate::model;
use crate::output::{Form, Notes};
use crate::registry::ModelChoice;

/// SageMaker's port.
const PORT: u16 = 8080;

/// Answer over HTTP with one model or several, as a SageMaker container does.
#[derive(Args, Debug)]
#[command(
    after_help = "Doors:\n  GET  /ping                            200 once every model answers its self-test\n  POST /invocations                     the first model; JSON, JSON lines or CSV\n  POST /endpoints/{name}/invocations    any model by its name, as SageMaker's runtime\n  GET  /models, GET /metrics            what answers; Prometheus\n\nA model's folder is looked at every second and on SIGHUP: a new model in it is tried, then answers. SIGTERM and SIGINT end the\nserver once what is in flight is answered.\n\nExamples:\n  linkcast serve\n  linkcast serve --model model/ --listen 0.0.0.0:8080\n  linkcast serve --model stable=model-1/ --model candidate=registry:candidate --db linkcast.db\n  curl -H 'content-type: application/json' -d '{\"instances\":[{\"symbol_ber_12m\":1e-9}]}' http://127.0.0.1:8080/invocations"
)]
pub(crate) struct ServeArguments {
    /// A model's folder, or registry:NAME, as registry:live; NAME=MODEL names its endpoint. May be given several times.
    /// (default: LINKCAST_MODEL_DIR, or the shipped model)
    #[arg(long = "model", value_name = "[NAME=]MODEL")]
    models: Vec<ServedModel>,
    /// The address (default: LINKCAST_LISTEN, or 127.0.0.1:8080); port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    database: DatabaseArguments,
    #[command(flatten)]
    limits: LimitArguments,
    /// How often models' folders are looked at.
    #[arg(long, value_name = "TIME", default_value = "1s")]
    watch: Interval,
}

/// What is taken in at once.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LimitArguments {
    /// The longest body of a request, bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().body_bytes)]
    max_body: usize,
    /// The most rows of a request.
    #[arg(long, value_name = "ROWS", default_value_t = Limits::default().rows)]
    max_rows: usize,
    /// Requests worked on at once.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().concurrent)]
    concurrent: usize,
    /// Requests that wait beyond those; more are answered 503.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().waiting)]
    waiting: usize,
    /// Connections at once.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().connections)]
    connections: usize,
    /// How long a request may wait and its body may take.
    #[arg(long, value_name = "TIME", default_value = "20s")]
    request_time: Interval,
}

impl LimitArguments {
    fn limits(self) -> Limits {
        Limits {
            body_bytes: self.max_body,
            rows: self.max_rows,
            concurrent: self.concurrent,
            waiting: self.waiting,
            connections: self.connections,
            request_time: self.request_time.duration(),
            ..Limits::default()
        }
    }
}

/// A model and the name it is asked by, if it is given one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServedModel {
    name: Option<EndpointName>,
    choice: ModelChoice,
}

/// What stands before `=` is a name if it can be one; a folder with such a name is written `./NAME=…`.
impl FromStr for ServedModel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let choice = |text: &str| text.parse::<ModelChoice>().map_err(|error| error.to_string());
        let named = text.split_once('=').and_then(|(name, rest)| Some((name.parse().ok()?, rest)));
        match named {
            Some((_, "")) => Err(format!("{text:?}: expected a folder or registry:NAME after the name")),
            Some((name, rest)) => Ok(ServedModel { name: Some(name), choice: choice(rest)? }),
            None => Ok(ServedModel { name: None, choice: choice(text)? }),
        }
    }
}

impl From<BindError> for Failure {
    fn from(error: BindError) -> Self {
        Failure::new(ExitKind::WrongUse, error)
            .with_next_step("name another address by --listen; port 0 takes a free one")
    }
}

impl From<ModelsError> for Failure {
    fn from(error: ModelsError) -> Self {
        match error {
            ModelsError::Twice { .. } => Failure::new(ExitKind::WrongUse, error)
                .with_next_step("name each model, as --model stable=DIR --model candidate=DIR"),
            ModelsError::Model { .. } | ModelsError::SelfTest { .. } => Failure::new(ExitKind::Model, error)
                .with_next_step(
                    "name the folder of a model by --model, as `linkcast train --out DIR` writes one, or leave it out",
                ),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    listening: SocketAddr,
    models: &'a [ModelFact],
}

/// Serves until told to stop.
pub(crate) fn execute(arguments: &ServeArguments, session: &mut Session<'_>) -> Result<(), Failure> {
    let models = arguments.models(session)?;
    let mut settings = ServerSettings::new(arguments.address(session));
    settings.limits = arguments.limits.limits();
    settings.watch = Some(arguments.watch.duration());
    let made = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = made.map_err(|error| Failure::new(ExitKind::Machine, error))?;
    runtime.block_on(serve(settings, models, session))
}

async fn serve(settings: ServerSettings, models: Models, session: &mut Session<'_>) -> Result<(), Failure> {
    // Heard from here on, so that a word to stop that comes with the first line is not lost.
    let stop = told_to_stop().map_err(|error| Failure::new(ExitKind::Machine, error))?;
    let notes = session.notes;
    let server = Server::bind(settings, models).await?.telling(move |notice| tell(notes, notice));
    reload_on_hangup(server.reloader()).map_err(|error| Failure::new(ExitKind::Machine, error))?;
    announce(&server, session)?;
    let drained = server.run_until(stop).await;
    match drained.unfinished {
        0 => notes.inform("stopped; every request was answered"),
        open => notes.warn(format!("stopped; {open} connections were cut off while they were answered")),
    }
    Ok(())
}

fn announce(server: &Server, session: &mut Session<'_>) -> Result<(), Failure> {
    let (listening, models) = (server.local_addr(), &server.models());
    match session.form {
        Form::JsonLines => session.output.json(&Line { listening, models })?,
        Form::Text => {
            let each = models.iter().map(|fact| format!("{} (version {})", fact.name, fact.model_version));
            let all = each.collect::<Vec<_>>().join(", ");
            session.output.line(&format!("http://{listening} serves {all}"))?;
        }
    }
    Ok(session.output.flush()?)
}

fn tell(notes: Notes, notice: &Notice) {
    match notice {
        Notice::Swapped { .. } => notes.inform(notice.to_string()),
        Notice::Refused { .. } | Notice::NotAccepted { .. } => notes.warn(notice.to_string()),
    }
}

impl ServeArguments {
    /// On SageMaker, which names a port, every address of the container.
    fn address(&self, session: &Session<'_>) -> SocketAddr {
        let configuration = session.configuration;
        let listen = self.listen.or(configuration.listen.map(|address| match configuration.bind_port {
            Some(port) => SocketAddr::new(address.ip(), port),
            None => address,
        }));
        let everywhere = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);
        listen.or(configuration.bind_port.map(everywhere)).unwrap_or(here)
    }

    fn models(&self, session: &Session<'_>) -> Result<Models, Failure> {
        let usual = || {
            let folder = session.configuration.model_folder.clone().map(ModelChoice::Folder);
            self.opened(None, folder.as_ref(), session)
        };
        let Some((first, others)) = self.models.split_first() else {
            let (name, source) = usual()?;
            return Ok(Models::of(name, source)?);
        };
        let (name, source) = self.opened(first.name.as_ref(), Some(&first.choice), session)?;
        others.iter().try_fold(Models::of(name, source)?, |models, served| {
            let (name, source) = self.opened(served.name.as_ref(), Some(&served.choice), session)?;
            Ok(models.and(name, source)?)
        })
    }

    /// Its endpoint's name, and where it comes from. Only a folder can change while it is served.
    fn opened(
        &self,
        name: Option<&EndpointName>,
        choice: Option<&ModelChoice>,
        session: &Session<'_>,
    ) -> Result<(EndpointName, ModelSource), Failure> {
        let by_task = || TASK.parse().map_err(|error| Failure::new(ExitKind::WrongUse, error));
        let name = name.cloned().map_or_else(by_task, Ok)?;
        let source = match choice {
            Some(ModelChoice::Folder(folder)) => ModelSource::Folder(folder.clone()),
            other => {
                let place = self.database.place(session.configuration);
                ModelSource::Loaded(Box::new(model::load(other, place.as_ref(), session.configuration)?))
            }
        };
        Ok((name, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_may_be_named_before_its_place() {
        let read = |text: &str| text.parse::<ServedModel>().map(|served| (served.name, served.choice));
        let folder = |text: &str| ModelChoice::Folder(text.into());
        let name = |text: &str| Some(text.parse::<EndpointName>().unwrap());
        assert_eq!(read("model"), Ok((None, folder("model"))));
        assert_eq!(read("lab=a=b"), Ok((name("lab"), folder("a=b"))));
        assert_eq!(read("./lab=a"), Ok((None, folder("./lab=a"))));
        assert_eq!(read("lab=registry:live").unwrap().0, name("lab"));
        assert!(matches!(read("registry:live"), Ok((None, ModelChoice::Registered(_)))));
        assert!(read("lab=").is_err());
        assert!(read("registry:No Such").is_err());
    }
}
