//! What things are called.

use linkcast_domain::Hosting;
use linkcast_domain::ports::ModelData;

use super::{desired, of_model, ordered, realtime, serverless};
use crate::names::is_made_here;
use crate::{
    Desired, InstanceCounts, InstanceType, MaxConcurrency, MemoryMb, Order, Owner, Place, Site, container,
    digest,
};

#[test]
fn names_carry_the_digest_of_the_models_address_and_of_everything_else() {
    let first = desired("one", serverless(2_048));
    let address = "s3://bucket/models/lab/link-health/one/model.tar.gz";
    assert_eq!(first.site.endpoint, "linkcast-lab-link-health-serverless");
    let of_address = digest(address, 8);
    assert!(
        first.model.starts_with(&format!("linkcast-lab-link-health-model-{of_address}-")),
        "{}",
        first.model
    );
    assert!(first.config.starts_with(&format!("linkcast-lab-link-health-config-{of_address}-")));
    assert_eq!(digest("", 8), "d41d8cd9", "the MD5 of nothing");
    let memory = desired("one", serverless(4_096));
    assert_eq!(memory.model, first.model);
    assert_ne!(memory.config, first.config);
    let image = ordered(of_model("one", "image:2"), serverless(2_048), Place::Standing);
    assert_ne!((&image.model, &image.config), (&first.model, &first.config));
    let machines = desired("one", realtime("ml.c7g.large", 5));
    assert_eq!(machines.model, first.model, "one model behind both");
    assert_eq!(machines.site.endpoint, "linkcast-lab-link-health-realtime");
    let own = ordered(of_model("one", "image:1"), serverless(2_048), Place::OfModel { address });
    assert_eq!(own.site.endpoint, format!("linkcast-lab-link-health-serverless-{of_address}"));
}

#[test]
fn a_name_that_is_too_long_says_by_how_much() {
    let owner = Owner::new("linkcast").unwrap();
    let fabric = "a".repeat(40);
    let error =
        Site::new((&fabric, "link-health"), owner.clone(), Hosting::Serverless, Place::Standing).unwrap_err();
    assert!(error.to_string().ends_with("shorten the fabric's or the task's name by 9"), "{error}");
    assert!(Site::new(("...", "link-health"), owner, Hosting::Serverless, Place::Standing).is_err());
    assert!(Owner::new("").is_err() && Owner::new("a;b").is_err());
}

#[test]
fn a_model_or_configuration_of_ours_is_known_by_its_name() {
    let first = desired("one", serverless(2_048));
    assert!(is_made_here(&first.model, "model") && is_made_here(&first.config, "config"));
    assert!(!is_made_here(&first.model, "config"));
    for name in [
        "linkcast-lab-model-0123456-abcdef",
        "other-lab-model-01234567-abcdef",
        "linkcast-lab-model-0123456X-abcdef",
    ] {
        assert!(!is_made_here(name, "model"), "{name}");
    }
}

#[test]
fn what_sagemaker_would_refuse_is_refused_before_it_is_asked() {
    assert!([0, 1_000, 1_536, 7_168].into_iter().all(|mb| MemoryMb::new(mb).is_err()));
    assert!((1..=6).all(|gb| MemoryMb::new(gb * 1_024).is_ok()));
    assert!(MaxConcurrency::new(0).is_err() && MaxConcurrency::new(201).is_err());
    assert!(InstanceCounts::new(0, 1).is_err() && InstanceCounts::new(3, 2).is_err());
    assert!(InstanceType::new("m5.large").is_err() && InstanceType::new("ml.m5.large").is_ok());
    let role = "arn:aws:iam::123456789012:role/serve";
    let refused = |address: &str, image: &str, role: &str| {
        container(ModelData::One(address.to_owned()), image, role, Default::default()).is_err()
    };
    assert!(refused("https://bucket/model.tar.gz", "image", role));
    assert!(refused("s3://bucket", "image", role) && refused("s3://bucket/model.onnx", "image", role));
    assert!(
        refused("s3://bucket/model.tar.gz", "", role)
            && refused("s3://bucket/model.tar.gz", "image", "serve")
    );
    let several = ModelData::Several("s3://bucket/models/".to_owned());
    let container = container(several, "image", role, Default::default()).unwrap();
    let owner = Owner::new("linkcast").unwrap();
    let order = |hosting| {
        let (container, owner) = (container.clone(), owner.clone());
        Desired::new(Order {
            fabric: "lab",
            task: "shared",
            owner,
            place: Place::Standing,
            container,
            hosting,
        })
    };
    assert!(order(serverless(2_048)).unwrap_err().to_string().contains("real-time"));
    assert!(order(realtime("ml.m5.large", 1)).is_ok());
}
