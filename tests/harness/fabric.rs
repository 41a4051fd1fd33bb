//! A fabric of ibsim's, with opensm as its subnet manager, for the real infiniband-diags to query.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::{Running, until};

/// A running simulated fabric. Diagnostics reach it through `ibsim-run`.
#[derive(Debug)]
pub struct IbsimFabric {
    simulator: Running,
    _subnet_manager: Running,
    socket_name: String,
    folder: PathBuf,
}

/// The host whose adapter the queries go through.
const QUERY_HOST: &str = "gpu01 mlx5_0";

impl IbsimFabric {
    /// Starts the fabric described by `net` and waits until the subnet is up.
    pub fn start(net: &Path, folder: &Path) -> Result<Self> {
        let socket_name = format!("linkcast-test-{}", std::process::id());
        let mut command = Command::new("ibsim");
        command.arg("-s").arg(net).env("IBSIM_SOCKNAME", &socket_name).stdin(Stdio::piped());
        let simulator = Running::start(&mut command, &folder.join("ibsim.log"))?;
        let mut manager = Command::new("ibsim-run");
        manager.arg(system_program("opensm")).arg("-f").arg(folder.join("opensm.log"));
        manager.env("SIM_HOST", "gpu06 mlx5_0").env("IBSIM_SOCKNAME", &socket_name);
        // What ibsim-run starts leaves a sysfs tree in the folder it runs in, if it is killed.
        manager.current_dir(folder);
        let subnet_manager = Running::start(&mut manager, &folder.join("opensm.out"))?;
        let fabric = IbsimFabric {
            simulator,
            _subnet_manager: subnet_manager,
            socket_name,
            folder: folder.to_owned(),
        };
        until("the subnet", Duration::from_secs(30), || fabric.subnet_is_up())?;
        Ok(fabric)
    }

    /// Types a line at the simulator's console, such as `Unlink "leaf-r01"[2]`.
    pub fn console(&mut self, line: &str) -> Result<()> {
        let input = self.simulator.child().stdin.as_mut().context("the simulator has no console")?;
        writeln!(input, "{line}")
            .and_then(|()| input.flush())
            .context("cannot type at the simulator's console")
    }

    /// What a program must have in its environment to see this fabric.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [("SIM_HOST", QUERY_HOST.to_owned()), ("IBSIM_SOCKNAME", self.socket_name.clone())]
    }

    fn subnet_is_up(&self) -> Result<Option<()>> {
        let output = Command::new("ibsim-run")
            .arg(system_program("ibqueryerrors"))
            .args(["--data", "--report-port"])
            .envs(self.environment())
            .current_dir(&self.folder)
            .output()
            .context("cannot start ibqueryerrors: run `cargo xtask set-up`")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.contains("nodes checked").then_some(()))
    }
}

/// Debian keeps these in a folder that a plain user's path leaves out.
pub(crate) fn system_program(name: &str) -> PathBuf {
    let system = Path::new("/usr/sbin").join(name);
    if system.is_file() { system } else { PathBuf::from(name) }
}
