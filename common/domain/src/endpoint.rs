//! Endpoints' names, which follow from the fabric's and the task's: found, not stored.
//!
//! Who asks an endpoint and who makes it must come to the same name without telling each other, so the rule stands here, once.

/// How an endpoint is hosted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hosting {
    /// On machines that always run.
    Realtime,
    /// On machines that come when asked.
    Serverless,
}

impl Hosting {
    /// Every way, the preferred first.
    pub const ALL: [Hosting; 2] = [Hosting::Realtime, Hosting::Serverless];

    /// As it stands in names.
    pub fn name(self) -> &'static str {
        match self {
            Hosting::Realtime => "realtime",
            Hosting::Serverless => "serverless",
        }
    }
}

/// What every name of a fabric's task begins with: `linkcast-{fabric}-{task}`.
pub fn endpoint_stem(fabric: &str, task: &str) -> String {
    format!("linkcast-{}-{}", plain_name(fabric), plain_name(task))
}

/// The name of the endpoint of a fabric's task: `linkcast-{fabric}-{task}-{hosting}`.
pub fn endpoint_name(fabric: &str, task: &str, hosting: Hosting) -> String {
    format!("{}-{}", endpoint_stem(fabric, task), hosting.name())
}

/// A name in lower case, with runs of anything but letters and digits as one hyphen.
pub fn plain_name(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_lower_case_words_joined_by_hyphens() {
        assert_eq!(plain_name("Lab 2__West"), "lab-2-west");
        assert_eq!(plain_name("link-health"), "link-health");
        let name = endpoint_name("Lab 2__West", "link-health", Hosting::Serverless);
        assert_eq!(name, "linkcast-lab-2-west-link-health-serverless");
    }
}
