//! Endpoints made, changed and taken away through the real signed client: over the stand-in, which fails as told and is interrupted
//! at every call, and over moto, which keeps things as AWS does.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use linkcast_aws::{Endpoints, LocalServices, connect_locally};
use linkcast_domain::ports::{EndpointPlane, Kind, ModelData};
use linkcast_domain::{Budget, SageMakerFormat, SystemClock, Target};
use linkcast_provisioning::{
    Aim, Desired, HostingSettings, InstanceCounts, InstanceType, MaxConcurrency, MemoryMb, OWN_DEADLINE,
    Order, Outcome, Owner, Place, Provisioner, Stuck, container,
};
use linkcast_scoring::Model;
use linkcast_stand_in::{
    Fault, OtherNames, Outcome as Became, Running, SageMakerSettings, Script, StandIn, Step,
};
use linkcast_tests::{FABRIC, Moto, REGION, Samples, TASK, backends_at, binary, shipped_model};
use serde_json::Value;

const CALL: Duration = Duration::from_secs(10);
const ROLE: &str = "arn:aws:iam::123456789012:role/serve";
const OPERATIONS: [&str; 7] = [
    "CreateModel",
    "CreateEndpointConfig",
    "CreateEndpoint",
    "UpdateEndpoint",
    "DeleteEndpoint",
    "DeleteEndpointConfig",
    "DeleteModel",
];

fn desired(model: &str, hosting: HostingSettings) -> Result<Desired> {
    let data = ModelData::One(format!("s3://models/{model}/model.tar.gz"));
    let container = container(data, "image:1", ROLE, BTreeMap::new())?;
    let (owner, place) = (Owner::new("linkcast")?, Place::Standing);
    Ok(Desired::new(Order { fabric: FABRIC, task: TASK, owner, place, container, hosting })?)
}

fn serverless() -> Result<HostingSettings> {
    let (memory, max_concurrency) = (MemoryMb::new(4_096)?, MaxConcurrency::new(10)?);
    Ok(HostingSettings::Serverless { memory, max_concurrency })
}

fn realtime(instance: &str) -> Result<HostingSettings> {
    let (instance, counts) = (InstanceType::new(instance)?, InstanceCounts::new(1, 5)?);
    Ok(HostingSettings::Realtime { instance, counts, requests_per_instance: 600 })
}

fn aim(desired: &Desired) -> Aim {
    Aim::Stand(Box::new(desired.clone()))
}

/// SageMaker without any endpoint, and a client of its control plane.
async fn sagemaker(model: &Arc<Model>) -> Result<(Running, Endpoints)> {
    let mut settings = SageMakerSettings::new(Arc::clone(model));
    (settings.others, settings.looks_until_ready) = (OtherNames::AreNone, 1);
    let running = StandIn::sagemaker(settings).start().await?;
    let services = LocalServices { all: running.url(), ..LocalServices::default() };
    let plane = Endpoints::new(&connect_locally(services).await, SystemClock);
    Ok((running, plane))
}

/// Goes on as a command does that is called again after each wait, each time by another process, without the waiting.
async fn run(plane: &Endpoints, aim: &Aim) -> Result<Result<(), Stuck>> {
    for _ in 0..100 {
        let mut provisioner = Provisioner::new(plane, aim, &SystemClock, OWN_DEADLINE);
        match provisioner.advance(&Budget::of(CALL * 6, &SystemClock)).await {
            Outcome::Done => return Ok(Ok(())),
            Outcome::Stuck(stuck) => return Ok(Err(stuck)),
            Outcome::LookAgain(_) => {}
        }
    }
    bail!("it does not end")
}

/// What there is, as texts.
async fn there(plane: &Endpoints) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for kind in [Kind::Endpoint, Kind::Config, Kind::Model] {
        for listed in plane.list(kind, "", None, CALL).await?.items {
            let tags = plane.tags(&listed.arn, CALL).await?;
            found.push(format!("{kind:?} {} {tags:?}", listed.name));
            if let (Kind::Endpoint, Some(seen)) = (kind, plane.endpoint(&listed.name, CALL).await?) {
                found.push(format!("{} {}", seen.config, seen.status));
            }
        }
    }
    Ok(found)
}

fn operations(running: &Running) -> Vec<String> {
    running.requests().into_iter().map(|request| request.name).collect()
}

/// The script that interrupts the call at `place` of those in `names`.
fn at_call(names: &[String], (place, name): (usize, &String), fault: Fault) -> Script {
    let before = names.iter().take(place).filter(|other| *other == name).count();
    let steps = vec![Step::times(Fault::Answer, before as u32), Step::times(fault, 1)];
    Script::default().and(name, steps)
}

/// Brings `steps` about one after the other and the last of them interrupted everywhere; gives what there is in the end.
async fn everywhere(model: &Arc<Model>, steps: &[Aim]) -> Result<Vec<String>> {
    let (last, first) = steps.split_last().context("steps")?;
    let prepared = async || -> Result<(Running, Endpoints, usize)> {
        let (running, plane) = sagemaker(model).await?;
        for step in first {
            run(&plane, step).await??;
        }
        let before = running.requests().len();
        Ok((running, plane, before))
    };
    let (running, plane, before) = prepared().await?;
    run(&plane, last).await??;
    // What is refused as AWS refuses it is not in the script's hands: those calls are interrupted in the room's own tests.
    let names: Vec<String> = running
        .requests()
        .into_iter()
        .skip(before)
        .filter(|request| matches!(request.outcome, Became::Did(_)))
        .map(|request| request.name)
        .collect();
    let end = there(&plane).await?;
    let tried =
        names.iter().enumerate().flat_map(|call| [Fault::Error500, Fault::Reset].map(|fault| (call, fault)));
    let (names, end_of) = (&names, &end);
    stream::iter(tried)
        .map(|(call, fault)| {
            let prepared = prepared();
            async move {
                let (running, plane, _) = prepared.await?;
                running.set_script(at_call(names, call, fault))?;
                run(&plane, last).await??;
                running.set_script(Script::default())?;
                let found = there(&plane).await?;
                assert_eq!(&found, end_of, "{fault:?} at call {call:?}");
                anyhow::Ok(())
            }
        })
        .buffer_unordered(8)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(end)
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_at_any_call_and_called_again_it_ends_the_same_with_nothing_left_over() -> Result<()> {
    let model = shipped_model()?;
    let (one, two) = (aim(&desired("one", serverless()?)?), aim(&desired("two", serverless()?)?));
    let made = everywhere(&model, std::slice::from_ref(&one)).await?;
    assert_eq!(made.len(), 4, "an endpoint, a configuration, a model: {made:?}");
    let changed = everywhere(&model, &[one.clone(), two]).await?;
    assert_eq!(changed.len(), 4, "{changed:?}");
    assert_ne!(made, changed);
    let gone = everywhere(&model, &[one.clone(), Aim::Gone(one.site().clone())]).await?;
    assert!(gone.is_empty(), "{gone:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_that_scale_take_on_another_type_and_scale_again() -> Result<()> {
    let (running, plane) = sagemaker(&shipped_model()?).await?;
    let small = desired("one", realtime("ml.c7g.large")?)?;
    run(&plane, &aim(&small)).await??;
    run(&plane, &aim(&desired("two", realtime("ml.c7g.xlarge")?)?)).await??;
    assert_eq!(plane.scaling_counts(&small.site.endpoint, CALL).await?, Some((1, 5)));
    assert_eq!(plane.scaling_target(&small.site.endpoint, CALL).await?, Some(600));
    let names = operations(&running);
    assert_eq!(names.iter().filter(|name| *name == "DeregisterScalableTarget").count(), 1);
    run(&plane, &Aim::Gone(small.site)).await??;
    assert!(there(&plane).await?.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_made_here_is_found_by_its_name_and_answers() -> Result<()> {
    let model = shipped_model()?;
    let (running, plane) = sagemaker(&model).await?;
    let one = aim(&desired("one", serverless()?)?);
    let samples = Samples::of(&model, "0000000000200000/2", 3)?;
    let target = Target::Sagemaker {
        endpoint: None,
        format: SageMakerFormat::Json,
        target_variant: None,
        component: None,
    };
    let before = samples.ask(&backends_at(&running.url()).await, &target, CALL).await;
    assert!(before.iter().all(Result::is_err), "{before:?}");
    run(&plane, &one).await??;
    let asked = samples.ask(&backends_at(&running.url()).await, &target, CALL).await;
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");

    let before = running.requests().len();
    run(&plane, &one).await??;
    let again = operations(&running).split_off(before);
    assert!(again.iter().all(|name| !OPERATIONS.contains(&name.as_str())), "{again:?}");

    // A model that does not pass its health check: the one before answers on.
    running
        .set_script(Script::default().and("UpdateEndpoint", vec![Step::times(Fault::FailsHealthCheck, 1)]))?;
    let stuck = run(&plane, &aim(&desired("two", serverless()?)?)).await?.unwrap_err();
    assert!(
        matches!(stuck, Stuck::RolledBack { .. }) && stuck.to_string().contains("health check"),
        "{stuck}"
    );
    let asked = samples.ask(&backends_at(&running.url()).await, &target, CALL).await;
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_quota_and_refusals_are_told_with_what_to_do() -> Result<()> {
    let model = shipped_model()?;
    let wanted = aim(&desired("one", serverless()?)?);
    let stuck = async |operation: &str, steps: Vec<Step>| -> Result<(Stuck, Vec<String>)> {
        let (running, plane) = sagemaker(&model).await?;
        running.set_script(Script::default().and(operation, steps))?;
        let stuck = run(&plane, &wanted).await?.err().context("it should be stuck")?;
        Ok((stuck, operations(&running)))
    };
    let (twice, calls) = stuck("CreateEndpoint", vec![Step::always(Fault::FailsHealthCheck)]).await?;
    assert!(
        matches!(&twice, Stuck::Failed { reason, .. } if reason.contains("ping health check")),
        "{twice}"
    );
    assert_eq!(calls.iter().filter(|name| *name == "CreateEndpoint").count(), 2);
    let (quota, _) = stuck("CreateEndpoint", vec![Step::times(Fault::Quota, 1)]).await?;
    assert!(matches!(&quota, Stuck::Quota { said, .. } if said.contains("Service Quotas")), "{quota}");
    let (refused, _) = stuck("CreateModel", vec![Step::times(Fault::AccessDenied, 1)]).await?;
    assert!(matches!(&refused, Stuck::Refused { .. }), "{refused}");

    let (running, plane) = sagemaker(&model).await?;
    running.set_script(Script::default().and("CreateEndpoint", vec![Step::times(Fault::NeverReady, 1)]))?;
    let mut impatient = Provisioner::new(&plane, &wanted, &SystemClock, Duration::ZERO);
    let mut outcome = impatient.advance(&Budget::of(CALL, &SystemClock)).await;
    for _ in 0..50 {
        if matches!(outcome, Outcome::Stuck(_)) {
            break;
        }
        outcome = impatient.advance(&Budget::of(CALL, &SystemClock)).await;
    }
    assert!(matches!(&outcome, Outcome::Stuck(Stuck::Overdue { .. })), "{outcome:?}");
    // What the stand-in refuses as AWS does, it refuses here as well.
    let refusals =
        running.requests().into_iter().filter(|request| matches!(request.outcome, Became::Refused(_)));
    assert!(refusals.count() >= 3, "what is not there yet is told by a validation");
    Ok(())
}

/// `linkcast provision` with moto for AWS: its exit code and what it said.
fn linkcast(url: &str, arguments: &[&str]) -> Result<(Option<i32>, String, String)> {
    let output = Command::new(binary("linkcast")?)
        .arg("provision")
        .args(arguments)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("LINKCAST_FABRIC", "lab")
        .current_dir(Path::new("/"))
        .output()
        .context("cannot start linkcast")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code(), text(&output.stdout), text(&output.stderr)))
}

const ORDER: [&str; 6] =
    ["--model-data", "s3://models/one/model.tar.gz", "--image", "image:1", "--role", ROLE];

#[test]
fn the_command_makes_shows_lists_and_deletes_an_endpoint_on_moto() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let moto = Moto::start(folder.path())?;
    let endpoint = "linkcast-lab-link-health-serverless";
    let call = |arguments: &[&str]| -> Result<String> {
        let (code, out, said) = linkcast(moto.url(), arguments)?;
        if code == Some(0) { Ok(out) } else { bail!("{arguments:?}: {code:?} {said}\n{}", moto.log()) }
    };
    let order = |more: &[&'static str]| [ORDER.as_slice(), more].concat();
    let dry = call(&order(&["--dry-run"]))?;
    assert!(dry.contains(&format!("+ endpoint {endpoint}")) && dry.contains("cost: $"), "{dry}");
    assert!(call(&["list"])?.lines().count() == 1, "nothing was made");
    assert!(call(&order(&[]))?.contains("is in service with linkcast-lab-link-health-model-"));
    assert!(call(&order(&[]))?.contains("nothing was changed"));
    let status: Value =
        serde_json::from_str(call(&["status", "--json"])?.lines().nth(1).unwrap_or_default())?;
    assert_eq!((&status["endpoint"], &status["status"]), (&endpoint.into(), &"InService".into()));
    assert_eq!(status["machines"], "serverless, 4096 MB × 10");
    let (code, _, said) = linkcast(moto.url(), &order(&["--owner", "another"]))?;
    assert_eq!(code, Some(7), "{said}");
    assert!(said.contains("belongs to \"linkcast\"") && said.contains("next:"), "{said}");
    let (code, _, said) = linkcast(moto.url(), &order(&["--memory", "1000"]))?;
    assert_eq!(code, Some(2), "{said}");
    assert!(call(&["sweep", "--grace", "1s"])?.contains("nothing is left over"));
    assert!(call(&["delete", "--serverless"])?.contains("is gone"));
    for operation in ["ListEndpoints", "ListEndpointConfigs", "ListModels"] {
        let answer = moto.sagemaker(operation, &serde_json::json!({}))?;
        assert!(answer.as_object().context("no object")?.values().all(|list| list == &serde_json::json!([])));
    }
    Ok(())
}
