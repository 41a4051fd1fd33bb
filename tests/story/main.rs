//! The loop, closed, as a story: a model is born, grows old, is replaced by a better one, and a bad one is taken back.
//!
//! The template, the functions and the commands are the real ones, on the local AWS; SageMaker is the stand-in, in which endpoints are
//! made and answer. Nobody helps: what happens by itself on AWS happens by itself here, but for two things. The emulator's
//! clock cannot be put forward, so the model is told to have gone live when its telemetry begins; and what a schedule would say in an
//! hour is said at once.

mod telling;
mod traffic;
mod world;

use anyhow::{Context, Result};
use linkcast_tests::{DEAD_LETTERS, field};
use serde_json::{Value, json};

use telling::{Told, kinds};
use world::World;

#[test]
fn a_model_is_born_grows_old_is_replaced_by_a_better_one_and_a_bad_one_is_taken_back() -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let mut world = World::begin(folder.path())?;

    a_first_model_is_bootstrapped(&world)?;
    two_weeks_pass_and_then_the_fabric_does_other_work(&mut world)?;
    let run = the_monitor_tells_of_drift_and_a_training_run_is_asked_for(&world)?;
    let better = a_better_model_is_trained(&world, &run)?;
    it_goes_from_its_shadow_to_live_step_by_step(&mut world, &better)?;
    a_harmful_candidate_is_taken_back_at_its_first_step(&mut world, &better)?;
    while_sagemaker_is_down_the_embedded_model_answers(&mut world, &better)?;

    nothing_was_lost_or_doubled(&world)?;
    everybody_was_told_once(&world)
}

/// A folder of telemetry with its truth, one command, and every stream has a model that answers from an endpoint.
fn a_first_model_is_bootstrapped(world: &World) -> Result<()> {
    let said = world.bootstrap()?;
    assert_eq!(said.pointer("/deployed/standing"), Some(&json!("first")), "{said}");
    let variant = said.pointer("/deployed/variant").and_then(Value::as_str).context("no variant")?;
    let policy = world.policy()?;
    assert!(policy.contains(variant), "{policy}");
    assert_eq!(field(&world.bootstrap()?, "trained"), false, "the same command again trains nobody");
    assert_eq!(world.policy()?, policy, "and leaves the policy alone");
    Ok(())
}

fn two_weeks_pass_and_then_the_fabric_does_other_work(world: &mut World) -> Result<()> {
    world.two_weeks_and_three_days_pass()?;
    let answered = world.who_answered(200)?;
    assert!(answered.contains_key("v-first"), "{answered:?}");
    Ok(())
}

/// The monitor's look freezes the first two weeks, finds the last three days otherwise, and tells; retrain hears it.
fn the_monitor_tells_of_drift_and_a_training_run_is_asked_for(world: &World) -> Result<Value> {
    let looked = world.look()?;
    assert_eq!(field(&looked, "outcome"), "made", "{looked}");
    assert!(field(&looked, "told").as_u64() >= Some(1), "{}", world.what_was_found()?);
    assert!(looked.to_string().contains("drift"), "{looked}");
    let run = world.the_run_that_was_asked_for()?;
    assert_eq!(field(&run, "trigger"), "drift", "{run}");
    Ok(run)
}

/// The local trainer takes up the run, and what it makes is better on both sets by more than luck.
fn a_better_model_is_trained(world: &World, asked: &Value) -> Result<String> {
    let run = world.train()?;
    assert_eq!(field(&run, "run"), field(asked, "run"), "the run that the drift asked for");
    let stage = run.pointer("/stages").and_then(Value::as_array).and_then(|stages| stages.last());
    assert_eq!(stage.map(|last| field(last, "stage").clone()), Some(json!("deployed")), "{run:#}");
    assert_eq!(run.pointer("/verdict/passed"), Some(&json!(true)), "{run:#}");
    let deployed = world.deploy("candidate")?;
    assert_eq!(field(&deployed, "standing"), "rollout_begun", "{deployed}");
    Ok(field(&deployed, "variant").as_str().context("no variant")?.to_owned())
}

fn it_goes_from_its_shadow_to_live_step_by_step(world: &mut World, better: &str) -> Result<()> {
    let steps = world.let_the_rollout_end()?;
    assert_eq!(steps, ["started shadow", "stepped 10", "stepped 25", "stepped 50", "finished 100"]);
    assert_eq!(world.live_variant()?, better);
    let live = world.json(&["models", "show", "live"])?;
    assert!(live.to_string().contains(better.trim_start_matches("v-")), "the alias follows: {live}");
    Ok(())
}

/// Its endpoint fails once streams are its own; the policy before it comes back, byte for byte, and people hear the number.
fn a_harmful_candidate_is_taken_back_at_its_first_step(world: &mut World, better: &str) -> Result<()> {
    let pinned = world.policy()?;
    let harmful = world.register_another()?;
    let deployed = world.deploy(&harmful)?;
    let endpoint = field(&deployed, "endpoint").as_str().context("no endpoint")?.to_owned();
    world.sagemaker.set_script(&json!({ endpoint: [{"do": "error_500", "times": "always"}] }))?;
    let steps = world.let_the_rollout_end()?;
    assert_eq!(steps, ["started shadow", "stepped 10", "aborted shadow"]);
    assert_eq!(world.policy()?, pinned, "byte for byte");
    assert_eq!(world.live_variant()?, better);
    let last = world.history()?.pop().context("no history")?;
    assert_eq!(last.pointer("/verdict/decision/decision"), Some(&json!("abort")), "{last:#}");
    assert_eq!(last.pointer("/verdict/decision/guardrail"), Some(&json!("failures")), "{last:#}");
    assert_eq!(last.pointer("/verdict/step"), Some(&json!(10)), "{last:#}");
    world.sagemaker.set_script(&json!({}))
}

fn while_sagemaker_is_down_the_embedded_model_answers(world: &mut World, better: &str) -> Result<()> {
    world.sagemaker.set_script(&json!({"*": [{"do": "error_503", "times": "always"}]}))?;
    world.traffic_until("the embedded model's answers in the endpoint's place", |world| {
        let newest = world.newest_insights(4)?;
        Ok(newest.iter().any(|one| {
            field(one, "variant") == "embedded" && field(one, "fallback_from").as_str() == Some(better)
        }))
    })?;
    world.traffic_until("the breaker to open", |world| Ok(world.breaker(better)?.contains("\"open\"")))?;
    world.sagemaker.set_script(&json!({}))?;
    world.traffic_until("the endpoint's own answers", |world| {
        let newest = world.newest_insights(4)?;
        Ok(newest.iter().all(|one| field(one, "variant").as_str() == Some(better)))
    })
}

/// Every sample once, an insight for each that the embedded pipeline would have asked about and no other, nothing given up.
fn nothing_was_lost_or_doubled(world: &World) -> Result<()> {
    let embedded = world.traffic.sent_embedded()?;
    let found = world.wait_for_insights(embedded.insights.len())?;
    let missing: Vec<_> = embedded.insights.keys().filter(|id| !found.contains_key(*id)).collect();
    let besides: Vec<_> = found.keys().filter(|id| !embedded.insights.contains_key(*id)).collect();
    assert_eq!((missing.len(), besides.len()), (0, 0), "{missing:?} {besides:?}");
    assert_eq!(world.deployed.samples()?, embedded.samples, "none lost, none doubled");
    for queue in DEAD_LETTERS {
        assert_eq!(world.deployed.dead_letters(queue)?, Vec::<Value>::new(), "{queue}");
    }
    Ok(())
}

fn everybody_was_told_once(world: &World) -> Result<()> {
    let told = Told::by(world)?;
    assert_eq!(told.twice(), Vec::<String>::new());
    let kinds = kinds(&told.notices);
    for kind in ["drift_detected", "training_run", "rollout"] {
        assert!(kinds.contains(kind), "{kinds:?}");
    }
    let critical: Vec<_> = told.notices.iter().filter(|one| field(one, "severity") == "critical").collect();
    let [critical] = critical.as_slice() else { anyhow::bail!("expected one, found {critical:#?}") };
    assert!(critical.to_string().contains("failures"), "with the number: {critical:#}");
    Ok(())
}
