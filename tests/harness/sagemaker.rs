//! SageMaker on this machine: `linkcast stand-in sagemaker`, whose endpoints are those that somebody made.
//!
//! It is a process of its own, so that functions and commands find it as they find AWS, by an address in their environment, and
//! a test may take it away.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{Running, binary, free_address, get_json, wait_for_listener};

/// A running stand-in.
#[derive(Debug)]
pub struct SageMaker {
    process: Running,
    address: SocketAddr,
}

impl SageMaker {
    /// Starts one without endpoints, whose log lies in `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(binary("linkcast")?);
        command.args(["stand-in", "sagemaker", "--empty", "--looks", "1", "--listen", &address.to_string()]);
        let process = Running::start(&mut command, &folder.join("sagemaker.log"))?;
        wait_for_listener(address).with_context(|| process.log())?;
        Ok(SageMaker { process, address })
    }

    /// Where it listens, with the scheme.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What goes wrong from now on; see docs/STAND_INS.md.
    pub fn set_script(&self, script: &Value) -> Result<()> {
        let answer = ureq::post(format!("{}/_stand_in/script", self.url())).send(script.to_string());
        let status =
            answer.with_context(|| format!("the script was refused: {}", self.process.log()))?.status();
        ensure!(status.is_success(), "the script was answered {status}");
        Ok(())
    }

    /// What came, and what became of it.
    pub fn requests(&self) -> Result<Vec<Value>> {
        let found = get_json(&format!("{}/_stand_in/requests", self.url()))?;
        found.as_array().cloned().context("the requests are no list")
    }
}
