//! Start-up: the configuration whole, every dependency loaded, and only then the first event.
//!
//! What fails here fails as the sandbox starts, where Lambda shows it as a failed initialisation, and not in the middle
//! of someone's batch. Nothing is loaded lazily, so the first event costs what any other does.

use std::error::Error;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};

use linkcast_domain::Retry;

use crate::config::{ConfigError, Variables};
use crate::failure::Named;

/// A function that could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration has faults.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A dependency could not be loaded.
    #[error("could not load what the function depends on")]
    Load {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Named for StartError {
    fn name(&self) -> &'static str {
        match self {
            StartError::Config(_) => "BadConfiguration",
            StartError::Load { .. } => "DependencyNotLoaded",
        }
    }

    fn class(&self) -> Retry {
        match self {
            StartError::Config(_) => Retry::Never,
            StartError::Load { .. } => Retry::Later,
        }
    }
}

/// Reads the configuration and loads what depends on it. Run it before the first event is taken.
///
/// # Errors
/// Every fault of the configuration, or the dependency that could not be loaded.
pub async fn start<C, D, E, L>(
    variables: &Variables,
    configure: impl FnOnce(&Variables) -> Result<C, ConfigError>,
    load: impl FnOnce(C) -> L,
) -> Result<D, StartError>
where
    L: Future<Output = Result<D, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let config = configure(variables)?;
    load(config).await.map_err(|error| StartError::Load { source: error.into() })
}

/// Whether an invocation is its sandbox's first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Temperature {
    /// The first: it waited for the start.
    Cold,
    /// A later one.
    Warm,
}

/// Tells a sandbox's first invocation from the others.
#[derive(Debug, Default)]
pub struct ColdStart(AtomicBool);

impl ColdStart {
    /// Cold the first time it is asked, warm ever after.
    pub fn take(&self) -> Temperature {
        if self.0.swap(true, Ordering::Relaxed) { Temperature::Warm } else { Temperature::Cold }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigReader, Setting};
    use crate::failure::Diagnostic;
    use crate::panic::tests::now;

    const SIZE: Setting<u32> = Setting::new("APP_SIZE", "a whole number", |text| text.parse().ok());

    fn configure(variables: &Variables) -> Result<u32, ConfigError> {
        let mut reader = ConfigReader::new(variables);
        let size = reader.required(&SIZE);
        reader.finish("APP_", || size)
    }

    async fn load(size: u32) -> Result<Vec<u8>, std::io::Error> {
        if size > 9 { Err(std::io::Error::other("no such model")) } else { Ok(vec![0; size as usize]) }
    }

    fn started(size: &str) -> Result<Vec<u8>, StartError> {
        now(start(&[("APP_SIZE", size)].into_iter().collect(), configure, load))
    }

    #[test]
    fn nothing_is_loaded_from_a_bad_configuration() {
        assert_eq!(started("3").unwrap(), [0; 3]);
        assert_eq!(started("three").unwrap_err().name(), "BadConfiguration");
    }

    #[test]
    fn a_dependency_that_does_not_load_names_its_cause() {
        let diagnostic = Diagnostic::of(&started("10").unwrap_err());
        assert_eq!(diagnostic.error_type, "Retryable.DependencyNotLoaded");
        assert!(diagnostic.error_message.ends_with(": no such model"), "{diagnostic:?}");
    }

    #[test]
    fn only_the_first_invocation_is_cold() {
        let start = ColdStart::default();
        assert_eq!([start.take(), start.take()], [Temperature::Cold, Temperature::Warm]);
    }
}
