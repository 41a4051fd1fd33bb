//! The plan over a control plane in memory: what it comes to, and that it comes to the same wherever it is interrupted.

mod interrupted;
mod names;
mod plane;
mod stories;

use std::collections::BTreeMap;
use std::future::Future;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use linkcast_domain::Budget;
use linkcast_domain::ports::{Container, ModelData};
use plane::{MemoryPlane, Ticks};

use crate::{
    Aim, Desired, HostingSettings, InstanceCounts, InstanceType, MaxConcurrency, MemoryMb, OWN_DEADLINE,
    Order, Outcome, Owner, Place, Provisioner, Stuck, container,
};

fn of_model(model: &str, image: &str) -> Container {
    let data = ModelData::One(format!("s3://bucket/models/lab/link-health/{model}/model.tar.gz"));
    container(data, image, "arn:aws:iam::123456789012:role/serve", BTreeMap::new()).unwrap()
}

fn serverless(memory: u32) -> HostingSettings {
    let (memory, max_concurrency) = (MemoryMb::new(memory).unwrap(), MaxConcurrency::new(10).unwrap());
    HostingSettings::Serverless { memory, max_concurrency }
}

fn realtime(instance: &str, max: u32) -> HostingSettings {
    let (instance, counts) = (InstanceType::new(instance).unwrap(), InstanceCounts::new(1, max).unwrap());
    HostingSettings::Realtime { instance, counts, requests_per_instance: 600 }
}

fn desired(model: &str, hosting: HostingSettings) -> Desired {
    ordered(of_model(model, "image:1"), hosting, Place::Standing)
}

fn ordered(container: Container, hosting: HostingSettings, place: Place<'_>) -> Desired {
    let owner = Owner::new("linkcast").unwrap();
    Desired::new(Order { fabric: "lab", task: "link-health", owner, place, container, hosting }).unwrap()
}

fn aim(desired: &Desired) -> Aim {
    Aim::Stand(Box::new(desired.clone()))
}

/// Goes on as a command does until it ends. Each call of `anew` says whether another process goes on after a wait.
fn run(
    plane: &MemoryPlane<'_>,
    clock: &Ticks,
    aim: &Aim,
    mut anew: impl FnMut() -> bool,
) -> Result<(), Stuck> {
    let mut provisioner = Provisioner::new(plane, aim, clock, OWN_DEADLINE);
    for _ in 0..1_000 {
        let budget = Budget::of(Duration::from_secs(3_600), clock);
        match now(provisioner.advance(&budget)) {
            Outcome::Done => return Ok(()),
            Outcome::Stuck(stuck) => return Err(stuck),
            Outcome::LookAgain(waiting) => clock.pass(waiting.look_again),
        }
        if anew() {
            provisioner = Provisioner::new(plane, aim, clock, OWN_DEADLINE);
        }
    }
    panic!("it does not end: {:?}", plane.changes());
}

/// The value of a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}
