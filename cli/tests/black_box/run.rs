//! `run` against sources that answer well, badly, late or not at all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Called, Outcome, call, finished, linkcast, text};

const METRICS: &str = "# TYPE node_infiniband_symbol_error_total counter\n\
    node_infiniband_symbol_error_total{device=\"mlx5_0\",port=\"1\"} 7\n\
    # TYPE node_infiniband_port_data_transmitted_bytes_total counter\n\
    node_infiniband_port_data_transmitted_bytes_total{device=\"mlx5_0\",port=\"1\"} 4000\n";

/// An HTTP server that answers everything with `body`.
fn served(body: &'static str) -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 4096]);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = client.write_all(head.as_bytes()).and_then(|()| client.write_all(body.as_bytes()));
        }
    });
    Ok(address)
}

/// An address that takes connections and never says a word.
fn mute() -> Outcome<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// An address where nothing listens.
fn nobody() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Asks again until `ask` has an answer.
fn awaited<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> Outcome<T> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        thread::park_timeout(Duration::from_millis(20));
    }
    Err(format!("{what} did not come").into())
}

#[test]
fn sources_that_fail_are_each_told_and_cost_the_good_one_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("linkcast.db");
    let good = served(METRICS).unwrap();
    let page = served("<!DOCTYPE html><html>Sign in</html>").unwrap();
    let (_listener, slow) = mute().unwrap();
    let gone = nobody().unwrap();
    let mut command = linkcast();
    command.args(["run", "--once", "--timeout", "1s", "--db", text(&database)]);
    for address in [slow, page, gone, good] {
        command.arg("--source").arg(format!("http://{address}/metrics"));
    }
    let called = finished(command.output().unwrap()).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    for (address, why) in [
        (slow, "did not answer within 1.0 s"),
        (page, "answered with a web page"),
        (gone, "expected an exporter to be listening there"),
    ] {
        let about = |line: &&str| line.contains(&address.to_string()) && line.contains(why);
        assert_eq!(called.said.lines().filter(about).count(), 1, "{why}: {}", called.said);
    }
    let ports = call(&["ports", "--json", "--db", text(&database)]).unwrap();
    assert_eq!(ports.printed.lines().count(), 1, "{}", ports.printed);
    assert!(ports.printed.contains("mlx5_0"), "{}", ports.printed);
}

#[test]
fn where_no_source_gives_anything_the_exit_code_says_so() {
    let source = format!("http://{}/metrics", nobody().unwrap());
    let called = call(&["run", "--once", "--source", &source]).unwrap();
    assert_eq!(called.code, Some(6), "{}", called.said);
    assert!(called.said.contains("no source gave anything usable"), "{}", called.said);
}

#[test]
fn a_program_that_hangs_is_killed_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("child");
    let source = format!("command:sh -c 'sleep 300 & echo $! > {}; wait'", note.display());
    let called = call(&["run", "--once", "--timeout", "1s", "--source", &source]).unwrap();
    assert_eq!(called.code, Some(6), "{}", called.said);
    assert!(called.said.contains("sh did not finish within 1.0 s and was killed"), "{}", called.said);
    let child = std::fs::read_to_string(&note).unwrap();
    let status = format!("/proc/{}/stat", child.trim());
    awaited("the grandchild's end", || {
        let stat = std::fs::read_to_string(&status).unwrap_or_default();
        (stat.is_empty() || stat.contains(") Z ")).then_some(())
    })
    .unwrap();
}

#[test]
fn a_program_that_prints_nothing_or_fails_is_told_with_what_it_said() {
    let check = |program: &str, why: &str| {
        let called = call(&["run", "--once", "--source", &format!("command:{program}")]).unwrap();
        assert_eq!(called.code, Some(6), "{}", called.said);
        assert!(called.said.contains(why), "{program}: {}", called.said);
    };
    check("true", "true printed nothing");
    check("sh -c 'echo no route >&2; exit 3'", "no route");
    check("no-such-program-anywhere", "no-such-program-anywhere");
}

#[test]
fn remote_write_is_stored_before_it_is_acknowledged_and_garbage_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("linkcast.db");
    let (mut child, address) = listening(text(&database)).unwrap();
    assert_eq!(post(address, b"this is not snappy").unwrap(), 400);
    assert_eq!(post(address, &snappy(&[0xff; 40])).unwrap(), 400);
    let now = 1_769_846_400_000;
    assert_eq!(post(address, &write_request(7.0, now)).unwrap(), 204);
    assert_eq!(post(address, &write_request(9.0, now + 30_000)).unwrap(), 204);
    child.kill().unwrap();
    child.wait().unwrap();
    let ports = call(&["ports", "--json", "--db", text(&database)]).unwrap();
    assert!(ports.printed.contains("2026-01-31T08:00:30.000Z"), "{}", ports.printed);
}

#[test]
fn a_request_to_stop_ends_a_watch_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let (child, address) = listening(text(&folder.path().join("linkcast.db"))).unwrap();
    assert_eq!(post(address, &write_request(7.0, 1_769_846_400_000)).unwrap(), 204);
    let called = stopped(child).unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
    assert!(called.said.contains("1 readings of 1 streams"), "{}", called.said);
}

#[test]
fn an_address_that_is_taken_is_wrong_use() {
    let (_listener, address) = mute().unwrap();
    let called = call(&["run", "--source", &format!("listen:{address}")]).unwrap();
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("next: name another address or port"), "{}", called.said);
}

/// A `run` that listens, and where.
fn listening(database: &str) -> Outcome<(Child, SocketAddr)> {
    let address = nobody()?;
    let mut command = linkcast();
    command.args(["run", "--db", database, "--source", &format!("listen:{address}")]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    awaited("the listener", || TcpStream::connect(address).ok())?;
    Ok((child, address))
}

fn stopped(child: Child) -> Outcome<Called> {
    let status = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
    if !status.success() {
        return Err("the watch had ended before it was told to".into());
    }
    finished(child.wait_with_output()?)
}

/// Posts a body as Prometheus does; gives the answer's status.
fn post(address: SocketAddr, body: &[u8]) -> Outcome<u16> {
    let mut server = TcpStream::connect(address)?;
    let head = format!(
        "POST /api/v1/write HTTP/1.1\r\nHost: {address}\r\nContent-Encoding: snappy\r\n\
         Content-Type: application/x-protobuf\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    server.write_all(head.as_bytes())?;
    server.write_all(body)?;
    let mut answer = String::new();
    server.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).ok_or("no answer")?;
    Ok(status.parse()?)
}

/// A remote write request with one counter of one port.
fn write_request(symbol_errors: f64, millis: i64) -> Vec<u8> {
    let labels = [
        ("__name__", "node_infiniband_symbol_error_total"),
        ("device", "mlx5_0"),
        ("instance", "gpu-03:9100"),
        ("port", "1"),
    ];
    let mut series = Vec::new();
    for (name, value) in labels {
        let pair = [field(0x0a, name.as_bytes()), field(0x12, value.as_bytes())].concat();
        series.extend(field(0x0a, &pair));
    }
    let mut sample = vec![0x09];
    sample.extend(symbol_errors.to_le_bytes());
    sample.push(0x10);
    sample.extend(varint(millis.unsigned_abs()));
    series.extend(field(0x12, &sample));
    snappy(&field(0x0a, &series))
}

fn field(key: u8, content: &[u8]) -> Vec<u8> {
    [vec![key], varint(content.len() as u64), content.to_vec()].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A snappy block of one literal, which any snappy reader takes.
fn snappy(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 - 1).to_le_bytes();
    [varint(content.len() as u64), vec![61 << 2], length.to_vec(), content.to_vec()].concat()
}
