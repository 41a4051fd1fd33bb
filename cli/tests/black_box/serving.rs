//! `serve` as its clients meet it: the numbers of `predict`, overload, another model, and the end, with nobody forgotten.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use linkcast_domain::{Answer, InvocationAnswer, answers_of_csv};
use serde_json::{Value, json};

use crate::models::model;
use crate::support::{Called, Outcome, call, finished, linkcast, text};

const JSON: &str = "content-type: application/json\r\n";
const ROW: &[u8] = br#"{"instances":[{"symbol_ber_12m":1e-9,"hour":3}]}"#;
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs.
struct Serving {
    child: Option<Child>,
    address: SocketAddr,
    first_line: Value,
}

impl Serving {
    fn start(arguments: &[&str]) -> Outcome<Self> {
        let mut command = linkcast();
        command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--watch", "20ms"]).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no standard output")?).read_line(&mut line)?;
        if line.is_empty() {
            return Err(finished(child.wait_with_output()?)?.said.into());
        }
        let first_line: Value = serde_json::from_str(&line)?;
        let address = first_line.get("listening").and_then(Value::as_str).ok_or("no address")?;
        let address = address.parse()?;
        Ok(Serving { child: Some(child), address, first_line })
    }

    fn client(&self) -> Outcome<Client> {
        Client::to(self.address)
    }

    fn send_signal(&self, name: &str) -> Outcome {
        let id = self.child.as_ref().ok_or("it ended")?.id().to_string();
        Command::new("kill").args([name, &id]).status()?;
        Ok(())
    }

    fn ended(mut self) -> Outcome<Called> {
        finished(self.child.take().ok_or("it ended")?.wait_with_output()?)
    }

    fn stopped(self) -> Outcome<Called> {
        self.send_signal("-TERM")?;
        self.ended()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // A test that failed leaves no server behind.
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An answer of HTTP.
struct Heard {
    status: u16,
    head: String,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// One connection that is kept.
struct Client(TcpStream);

impl Client {
    fn to(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Client(stream))
    }

    fn get(&mut self, path: &str) -> Outcome<Heard> {
        write!(self.0, "GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")?;
        Ok(self.heard()?)
    }

    fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> io::Result<Heard> {
        self.send_head(path, headers, body.len())?;
        self.0.write_all(body)?;
        self.heard()
    }

    fn send_head(&mut self, path: &str, headers: &str, length: usize) -> io::Result<()> {
        write!(self.0, "POST {path} HTTP/1.1\r\nhost: a\r\n{headers}content-length: {length}\r\n\r\n")
    }

    fn heard(&mut self) -> io::Result<Heard> {
        let (mut seen, mut more) = (Vec::new(), [0; 16 << 10]);
        loop {
            if let Some(heard) = whole(&seen) {
                return Ok(heard);
            }
            match self.0.read(&mut more)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => seen.extend(more.iter().take(read)),
            }
        }
    }

    /// The value of one series.
    fn metric(&mut self, series: &str) -> Outcome<f64> {
        let page = self.get("/metrics")?.body;
        let value = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
        Ok(value.ok_or_else(|| format!("no {series} in {page}"))?)
    }
}

fn whole(seen: &[u8]) -> Option<Heard> {
    let seen = std::str::from_utf8(seen).ok()?;
    let (head, rest) = seen.split_once("\r\n\r\n")?;
    let status = head.get(9..12)?.parse().ok()?;
    let mut heard = Heard { status, head: head.to_owned(), body: String::new() };
    let length: usize = heard.header("content-length")?.parse().ok()?;
    heard.body = rest.get(..length)?.to_owned();
    Some(heard)
}

fn awaited(what: &str, mut is_so: impl FnMut() -> Outcome<bool>) -> Outcome {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if is_so()? {
            return Ok(());
        }
        thread::park_timeout(Duration::from_millis(5));
    }
    Err(format!("{what} did not come").into())
}

/// The forty features of a simulated hour: as named rows, as lists, and as lines, with what `predict` says of them.
struct Rows {
    named: Vec<Value>,
    lists: Vec<Value>,
    lines: Vec<String>,
    predicted: Vec<Value>,
}

fn rows(folder: &Path) -> Outcome<Rows> {
    let (fabric, features) = (folder.join("fabric"), folder.join("features.csv"));
    let simulate =
        ["simulate", "--ports", "32", "--hours", "0.25", "--fault-rate", "0.5", "--out", text(&fabric)];
    assert_eq!(call(&simulate)?.code, Some(0));
    assert_eq!(call(&["features", text(&fabric), "--out", text(&features)])?.code, Some(0));
    let predicted = call(&["predict", text(&fabric), "--json"])?.printed;
    let csv = fs::read_to_string(features)?;
    let (header, lines) = csv.split_once('\n').ok_or("no rows")?;
    let names: Vec<&str> = header.split(',').skip(2).collect();
    let mut rows = Rows { named: Vec::new(), lists: Vec::new(), lines: Vec::new(), predicted: Vec::new() };
    for line in lines.lines() {
        let cells: Vec<&str> = line.split(',').skip(2).collect();
        let values = cells.iter().map(|cell| serde_json::from_str(cell).unwrap_or(Value::Null));
        let values: Vec<Value> = values.collect();
        let names = names.iter().map(|name| (*name).to_owned());
        rows.named.push(Value::Object(names.zip(values.clone()).collect()));
        rows.lists.push(Value::Array(values));
        rows.lines.push(cells.join(","));
    }
    rows.predicted = predicted.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    Ok(rows)
}

#[test]
fn every_form_answers_what_predict_says_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let Rows { named, lists, lines, predicted } = rows(folder.path()).unwrap();
    assert!(predicted.len() > 200 && predicted.len() == named.len(), "{}", predicted.len());
    let serving = Serving::start(&[]).unwrap();
    let mut client = serving.client().unwrap();
    assert_eq!(client.get("/ping").unwrap().status, 200);
    let asked = named.len();
    let mut ask = |content_type: &str, body: String| {
        let headers = format!("content-type: {content_type}\r\n");
        let heard = client.post("/invocations", &headers, body.as_bytes()).unwrap();
        assert_eq!((heard.status, heard.header("content-type")), (200, Some(content_type)), "{}", heard.body);
        heard.body
    };
    let plain = |answers: Vec<Answer>| {
        answers.iter().map(|answer| (*answer.probabilities(), answer.risk())).collect::<Vec<_>>()
    };
    let json = ask("application/json", json!({ "instances": named }).to_string());
    let answers = plain(InvocationAnswer::answers(json.as_bytes(), asked).unwrap());
    let of_lists = ask("application/json", json!({ "instances": lists }).to_string());
    assert_eq!(of_lists, json);
    let of_lines = ask("text/csv", lines.join("\n"));
    assert_eq!(plain(answers_of_csv(of_lines.as_bytes(), asked).unwrap()), answers);
    let json_lines = |rows: &[Value]| rows.iter().map(|row| format!("{row}\n")).collect::<String>();
    let said: Vec<Value> = ask("application/jsonlines", json_lines(&named))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(said.len(), asked);
    for ((said, predicted), (probabilities, risk)) in said.iter().zip(&predicted).zip(&answers) {
        assert_eq!(said["class"], predicted["prediction_type"]);
        assert_eq!(said["risk"].as_f64(), predicted["risk_score"].as_f64());
        assert_eq!(said["confidence"].as_f64(), predicted["confidence"].as_f64());
        assert_eq!(said["risk"].as_f64(), *risk);
        let list: Vec<f64> =
            said["probabilities"].as_array().unwrap().iter().flat_map(Value::as_f64).collect();
        assert_eq!(list, probabilities);
    }
    let called = serving.stopped().unwrap();
    assert_eq!(called.code, Some(0), "{}", called.said);
}

#[test]
fn several_models_answer_as_endpoints_of_sagemaker() {
    let folder = tempfile::tempdir().unwrap();
    let other = model(folder.path(), "other").unwrap();
    let named = format!("candidate={}", text(&other));
    let shipped = concat!("stable=", env!("CARGO_MANIFEST_DIR"), "/../models/link-health");
    let serving = Serving::start(&["--model", shipped, "--model", &named]).unwrap();
    let names: Vec<&str> = serving.first_line["models"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["stable", "candidate"]);
    let mut client = serving.client().unwrap();
    let heard = client.post("/endpoints/candidate/invocations", JSON, ROW).unwrap();
    assert_eq!((heard.status, heard.header("x-linkcast-model-version")), (200, Some("other")));
    assert_eq!(heard.header("x-amzn-invoked-production-variant"), Some("AllTraffic"));
    let heard = client.post("/endpoints/attic/invocations", JSON, ROW).unwrap();
    assert_eq!((heard.status, heard.header("x-amzn-errortype")), (400, Some("ValidationError")));
    assert!(heard.body.contains("Endpoint attic of account"), "{}", heard.body);
    let twice = call(&["serve", "--listen", "127.0.0.1:0", "--model", shipped, "--model", shipped]).unwrap();
    assert_eq!(twice.code, Some(2), "{}", twice.said);
}

#[test]
fn what_cannot_be_served_is_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let called = call(&["serve", "--listen", &address]).unwrap();
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(
        called.said.contains(&address) && called.said.contains("next: name another address"),
        "{}",
        called.said
    );
    let folder = tempfile::tempdir().unwrap();
    let nothing = text(folder.path());
    let called = call(&["serve", "--listen", "127.0.0.1:0", "--model", nothing]).unwrap();
    assert_eq!(called.code, Some(5), "{}", called.said);
    assert!(called.said.contains(nothing) && called.said.contains("next: "), "{}", called.said);
    let mut command = linkcast();
    command.arg("serve").env("SAGEMAKER_BIND_TO_PORT", "eighty");
    let called = finished(command.output().unwrap()).unwrap();
    assert_eq!(called.code, Some(2), "{}", called.said);
    assert!(called.said.contains("SAGEMAKER_BIND_TO_PORT=\"eighty\": expected a port"), "{}", called.said);
}

#[test]
fn a_container_without_arguments_serves_what_its_environment_names() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let other = model(folder.path(), "other").unwrap();
    let mut command = linkcast();
    command.args(["serve", "--json"]).env("LINKCAST_MODEL_DIR", &other);
    command.env("LINKCAST_LISTEN", "127.0.0.1:1").env("SAGEMAKER_BIND_TO_PORT", free.port().to_string());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let serving = Serving { child: Some(child), address: free, first_line: Value::Null };
    awaited("the server", || Ok(TcpStream::connect(free).is_ok())).unwrap();
    let heard = serving.client().unwrap().post("/invocations", JSON, ROW).unwrap();
    assert_eq!((heard.status, heard.header("x-linkcast-model-version")), (200, Some("other")));
    assert_eq!(serving.stopped().unwrap().code, Some(0));
}

#[test]
fn over_its_limits_a_server_sends_away_and_goes_on() {
    let serving = Serving::start(&["--concurrent", "1", "--waiting", "0", "--max-body", "100000"]).unwrap();
    let (mut slow, mut quick) = (serving.client().unwrap(), serving.client().unwrap());
    slow.send_head("/invocations", JSON, ROW.len()).unwrap();
    awaited("the slow request", || Ok(quick.metric("linkcast_server_in_flight")? == 1.0)).unwrap();
    let heard = quick.post("/invocations", JSON, ROW).unwrap();
    assert_eq!((heard.status, heard.header("retry-after")), (503, Some("1")));
    assert_eq!(quick.metric("linkcast_server_rejected_total{reason=\"overload\"}").unwrap(), 1.0);
    slow.0.write_all(ROW).unwrap();
    assert_eq!(slow.heard().unwrap().status, 200);
    let large = vec![b' '; 5 << 20];
    assert_eq!(quick.post("/invocations", JSON, &large).unwrap().status, 413);
    let mut after = serving.client().unwrap();
    let html = after.post("/invocations", JSON, b"<html>502 Bad Gateway</html>").unwrap();
    assert_eq!(html.status, 400);
    let told: Value = serde_json::from_str(&html.body).unwrap();
    assert!(told["expected"].as_str().unwrap().contains("instances"), "{told}");
    assert_eq!(after.post("/invocations", JSON, ROW).unwrap().status, 200);
}

/// Clients that ask again and again, each over one connection as long as it is kept.
#[derive(Default)]
struct Load {
    is_over: AtomicBool,
    answered: AtomicUsize,
    lost: AtomicUsize,
}

impl Load {
    /// Asks until it is over, or until the server says that it closes; `hear` is shown every answer.
    fn ask(&self, address: SocketAddr, hear: impl Fn(&Heard)) {
        let Ok(mut client) = Client::to(address) else { return };
        while !self.is_over.load(Ordering::Relaxed) {
            match client.post("/invocations", JSON, ROW) {
                Ok(heard) if heard.status == 200 => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    hear(&heard);
                    if heard.header("connection") == Some("close") {
                        return;
                    }
                }
                _ => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        }
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}

#[test]
fn a_word_to_stop_in_the_midst_of_requests_loses_none() {
    let serving = Serving::start(&[]).unwrap();
    let (load, address) = (Load::default(), serving.address);
    let called = thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| load.ask(address, |_| ()));
        }
        awaited("load", || Ok(load.answered() > 400)).unwrap();
        let started = Instant::now();
        let called = serving.stopped().unwrap();
        assert!(started.elapsed() < Duration::from_secs(30));
        called
    });
    assert_eq!(called.code, Some(0), "{}", called.said);
    assert!(called.said.contains("every request was answered"), "{}", called.said);
    assert_eq!(load.lost.load(Ordering::Relaxed), 0, "of {}", load.answered());
}

#[test]
fn another_model_under_load_drops_nothing_and_a_damaged_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (model(folder.path(), "one").unwrap(), model(folder.path(), "two").unwrap());
    let broken = model(folder.path(), "broken").unwrap();
    let packed = fs::read(broken.join("model.packed")).unwrap();
    fs::write(broken.join("model.packed"), packed.get(..packed.len() / 2).unwrap()).unwrap();
    let current = folder.path().join("current");
    let point = |to: &Path| {
        let next = folder.path().join("next");
        std::os::unix::fs::symlink(to, &next).unwrap();
        fs::rename(next, &current).unwrap();
    };
    point(&one);
    let serving = Serving::start(&["--model", text(&current)]).unwrap();
    let (load, address) = (Load::default(), serving.address);
    let seen = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let hear = |heard: &Heard| match heard.header("x-linkcast-model-version") {
        Some("one") => _ = seen[0].fetch_add(1, Ordering::Relaxed),
        Some("two") => _ = seen[1].fetch_add(1, Ordering::Relaxed),
        other => panic!("version {other:?}"),
    };
    let more = |version: usize| {
        let before = seen[version].load(Ordering::Relaxed);
        awaited("answers", || Ok(seen[version].load(Ordering::Relaxed) > before + 100))
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| load.ask(address, hear));
        }
        let watched = (|| -> Outcome<f64> {
            more(0)?;
            point(&two);
            more(1)?;
            point(&broken);
            let refused = "linkcast_server_model_refused_total{model=\"link-health\"}";
            let mut client = serving.client()?;
            awaited("the refusal", || Ok(client.metric(refused)? == 1.0))?;
            more(1)?;
            point(&one);
            serving.send_signal("-HUP")?;
            more(0)?;
            client.metric("linkcast_server_model_swaps_total{model=\"link-health\"}")
        })();
        load.is_over.store(true, Ordering::Relaxed);
        assert_eq!(watched.unwrap(), 2.0);
    });
    assert_eq!(load.lost.load(Ordering::Relaxed), 0, "of {}", load.answered());
    let called = serving.stopped().unwrap();
    let said = |what: &str| called.said.lines().filter(|line| line.contains(what)).count();
    assert_eq!(said("version two answers in place of version one"), 1, "{}", called.said);
    assert_eq!(said("version two goes on answering"), 1, "{}", called.said);
    assert_eq!(said("model.packed"), 1, "{}", called.said);
}
