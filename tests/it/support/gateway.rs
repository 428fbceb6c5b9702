//! The real program on free ports with a configuration of one's own, its log lines and figures at hand.

use super::message::Message;
use super::{PATIENCE, Upstream, eventually, ports, raw, tokens};
use portcullis::clock;
use portcullis::crypto::base64;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// A configuration as text. These stand for what is known only later:
/// `{port}` and `{admin}` (of this gateway), `{upstream}` (host:port of the backend), `{keys}` (a folder with
/// `bouncer.b64`, `previous.b64` and whatever a test adds), `{issuer}` and `{audience}` (of [`tokens`]).
#[derive(Clone)]
pub(crate) struct Config {
    text: String,
    upstream: String,
    keys: Vec<(String, String)>,
    environment: Vec<(String, String)>,
}

/// What a configuration starts with unless it says otherwise.
const USUAL: [(&str, &str); 5] = [
    ("listeners", "listeners: [{ address: \"127.0.0.1:{port}\" }]\n"),
    ("admin", "admin: { address: \"127.0.0.1:{admin}\" }\n"),
    ("workers", "workers: 2\n"),
    ("logging", "logging: { access: stdout, events: stderr, level: info, decisions: all }\n"),
    ("graceful_stop", "graceful_stop: 1s\n"),
];

/// A scheme `bartender`, an upstream `bar`, a protected route `/bartender/` and a public one `/public/`.
pub(crate) const BAR: &str = r#"
schemes:
  bartender:
    wrap:
      issuers: [{ name: "{issuer}", key_file: "{keys}/bouncer.b64" }]
      audience: "{audience}"
      accept: [header, query]
upstreams:
  bar: { servers: ["{upstream}"] }
routes:
  - name: bartender
    match: { path: /bartender/ }
    authenticate: bartender
    upstream: bar
    identity: { preset: auth-request }
  - name: public
    match: { path: /public/ }
    public: true
    upstream: bar
"#;

impl Config {
    /// A configuration; top-level keys that it does not have (`listeners`, `admin`, `workers`, `logging`,
    /// `graceful_stop`) are added in a form that suits tests.
    pub(crate) fn new(text: &str) -> Self {
        let has = |key: &str| text.lines().any(|line| line.starts_with(&format!("{key}:")));
        let added: String = USUAL.iter().filter(|(key, _)| !has(key)).map(|(_, line)| *line).collect();
        // At the end, so that lines and columns of reports are those of the text.
        Self::whole(&format!("{}\n{added}", text.trim_end()))
    }

    /// A configuration to which nothing is added.
    pub(crate) fn whole(text: &str) -> Self {
        Self { text: text.to_owned(), upstream: "127.0.0.1:9".to_owned(), keys: Vec::new(), environment: Vec::new() }
    }

    /// [`BAR`] with further top-level keys.
    pub(crate) fn bar(more: &str) -> Self {
        Self::new(&format!("{BAR}{more}"))
    }

    /// The same files beside another configuration, which is completed as [`Config::new`] does.
    pub(crate) fn with_text(self, text: &str) -> Self {
        Self { text: Self::new(text).text, ..self }
    }

    /// Names the backend.
    pub(crate) fn upstream(mut self, upstream: &Upstream) -> Self {
        self.upstream = upstream.address().to_string();
        self
    }

    /// Names the backend by its address.
    pub(crate) fn upstream_at(mut self, address: SocketAddr) -> Self {
        self.upstream = address.to_string();
        self
    }

    /// Adds a file to `{keys}`.
    pub(crate) fn file(mut self, name: &str, content: &str) -> Self {
        self.keys.push((name.to_owned(), content.to_owned()));
        self
    }

    /// Sets a variable of the gateway's environment.
    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts a gateway that must come up.
    pub(crate) async fn start(self) -> Gateway {
        match self.launch().await {
            Ok(gateway) => gateway,
            Err(refused) => panic!("the gateway did not start ({}): {}", refused.status, refused.report),
        }
    }

    /// Starts a gateway that must refuse to come up.
    pub(crate) async fn refused(self) -> Refused {
        match self.launch().await {
            Ok(gateway) => panic!("the gateway started, with\n{}", gateway.config_text()),
            Err(refused) => refused,
        }
    }

    async fn launch(self) -> Result<Gateway, Refused> {
        loop {
            match self.launch_once().await {
                // Somebody took a port between its choice and its use.
                Err(refused) if refused.report.contains("cannot listen on") || refused.report.contains("Address already in use") => {}
                outcome => return outcome,
            }
        }
    }

    async fn launch_once(&self) -> Result<Gateway, Refused> {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        std::fs::write(keys.join("bouncer.b64"), base64::encode(&tokens::KEY)).unwrap();
        std::fs::write(keys.join("previous.b64"), base64::encode(&tokens::PREVIOUS_KEY)).unwrap();
        for (name, content) in &self.keys {
            std::fs::write(keys.join(name), content).unwrap();
        }
        let places = Places { address: ports::free(), admin: ports::free(), upstream: self.upstream.clone(), folder };
        std::fs::write(places.file(), places.fill(&self.text)).unwrap();
        let environment = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        let command = command.arg("run").arg("-c").arg(places.file()).envs(environment).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = [Lines::of(child.stdout.take().unwrap()), Lines::of(child.stderr.take().unwrap())];
        let mut gateway = Gateway { child, lines, places, over: false };
        let started = |event: &Value| event["event"] == "server_started";
        let up = eventually("the gateway to start", || match gateway.child.try_wait().unwrap() {
            Some(status) => Some(Err(status)),
            None => gateway.events().iter().any(started).then_some(Ok(())),
        });
        match up.await {
            Ok(()) => {
                gateway.wait_until_open().await;
                Ok(gateway)
            }
            Err(status) => Err(gateway.into_refused(status)),
        }
    }
}

/// A gateway that did not start.
pub(crate) struct Refused {
    /// How the program ended.
    pub(crate) status: ExitStatus,
    /// What it wrote to standard error.
    pub(crate) report: String,
}

/// Where everything of one gateway is.
struct Places {
    address: SocketAddr,
    admin: SocketAddr,
    upstream: String,
    folder: TempDir,
}

impl Places {
    fn file(&self) -> PathBuf {
        self.folder.path().join("portcullis.yaml")
    }

    fn fill(&self, text: &str) -> String {
        let keys = self.folder.path().join("keys");
        text.replace("{port}", &self.address.port().to_string())
            .replace("{admin}", &self.admin.port().to_string())
            .replace("{upstream}", &self.upstream)
            .replace("{keys}", keys.to_str().unwrap())
            .replace("{issuer}", tokens::ISSUER)
            .replace("{audience}", tokens::AUDIENCE)
    }
}

/// The lines of one output, collected by a thread.
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Lines {
    fn of(source: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let ours = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                ours.lock().unwrap().push(String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned());
                line.clear();
            }
        });
        Self { lines, reader: Some(reader) }
    }

    fn all(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    fn finish(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.all()
    }
}

/// A running gateway. Dropping it ends the program, and fails the test if the program had ended or panicked before.
pub(crate) struct Gateway {
    child: Child,
    lines: [Lines; 2],
    places: Places,
    /// Whether the test knows that the program has ended.
    over: bool,
}

impl Gateway {
    /// Where requests go.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.places.address
    }

    /// Where operators look.
    pub(crate) const fn admin(&self) -> SocketAddr {
        self.places.admin
    }

    /// The configuration file.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.places.file()
    }

    /// The configuration as it stands in the file.
    pub(crate) fn config_text(&self) -> String {
        std::fs::read_to_string(self.places.file()).unwrap()
    }

    /// The folder `{keys}`.
    pub(crate) fn keys(&self) -> PathBuf {
        self.places.folder.path().join("keys")
    }

    /// The process identifier.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    async fn wait_until_open(&self) {
        for address in [self.places.address, self.places.admin] {
            let uses = self.config_text().contains(&format!(":{}", address.port()));
            let mut open = !uses;
            let deadline = clock::instant() + PATIENCE;
            while !open {
                assert!(clock::instant() < deadline, "nobody listens on {address}");
                open = tokio::net::TcpStream::connect(address).await.is_ok();
                if !open {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            }
        }
    }

    /// The access log so far.
    pub(crate) fn accesses(&self) -> Vec<Value> {
        json(&self.lines[0].all())
    }

    /// The audit log and diagnostics so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        json(&self.lines[1].all())
    }

    /// Every line of both logs as written.
    pub(crate) fn log_lines(&self) -> Vec<String> {
        [self.lines[0].all(), self.lines[1].all()].concat()
    }

    /// Waits for a line of the access log.
    pub(crate) async fn access_line(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        eventually("a line of the access log", || self.accesses().into_iter().find(&is_it)).await
    }

    /// Waits for a line of the audit log or of the diagnostics.
    pub(crate) async fn audit_line(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        eventually("a line of the audit log", || self.events().into_iter().find(&is_it)).await
    }

    /// Waits for a decision that denied with this precise reason.
    pub(crate) async fn denial(&self, reason: &str) -> Value {
        let denies = |event: &Value| event["event"] == "decision" && event["verdict"] == "denied" && event["reason"] == reason;
        let found = eventually("a denial", || self.events().into_iter().find(denies));
        match tokio::time::timeout(PATIENCE / 2, found).await {
            Ok(event) => event,
            Err(_) => panic!("no denial for `{reason}` among {:#?}", self.events()),
        }
    }

    /// The figures as text.
    pub(crate) async fn metrics(&self) -> String {
        raw::fetch(self.admin(), "/metrics", "Connection: close\r\n").await.text()
    }

    /// The answer of the operators' listener.
    pub(crate) async fn ask_admin(&self, target: &str) -> Message {
        raw::fetch(self.admin(), target, "Connection: close\r\n").await
    }

    /// One figure by its series as written, such as `portcullis_heads_refused_total{reason="no_route"}`; 0 where it is not there.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        figure(&self.metrics().await, series)
    }

    /// Waits until a figure is what it must be.
    pub(crate) async fn metric_becomes(&self, series: &str, wanted: f64) {
        self.metric_shows(series, |figure| (figure - wanted).abs() < f64::EPSILON, &wanted.to_string()).await;
    }

    /// Waits until a figure is more than this.
    pub(crate) async fn metric_exceeds(&self, series: &str, least: f64) {
        self.metric_shows(series, |figure| figure > least, &format!("more than {least}")).await;
    }

    async fn metric_shows(&self, series: &str, is_right: impl Fn(f64) -> bool, wanted: &str) {
        let deadline = clock::instant() + PATIENCE;
        loop {
            let metrics = self.metrics().await;
            if is_right(figure(&metrics, series)) {
                return;
            }
            assert!(clock::instant() < deadline, "{series} is not {wanted} in\n{metrics}");
        }
    }

    /// Writes another configuration (same placeholders), whole and at once.
    pub(crate) fn write_config(&self, text: &str) {
        let next = self.places.folder.path().join("next.yaml");
        std::fs::write(&next, self.places.fill(text)).unwrap();
        std::fs::rename(next, self.places.file()).unwrap();
    }

    /// Writes another configuration and waits until it is in force.
    pub(crate) async fn reload(&self, config: &Config) {
        self.swap(&config.text, "config_loaded").await;
    }

    /// Writes another configuration and waits until it is refused; returns the audit line.
    pub(crate) async fn reload_refused(&self, config: &Config) -> Value {
        self.swap(&config.text, "config_refused").await
    }

    /// Writes a file of `{keys}` anew, whole and at once, and waits until it is in force.
    pub(crate) async fn replace(&self, name: &str, content: &str) {
        let loaded = || self.events().iter().filter(|event| event["event"] == "config_loaded").count();
        let before = loaded();
        let next = self.keys().join("next");
        std::fs::write(&next, content).unwrap();
        std::fs::rename(next, self.keys().join(name)).unwrap();
        eventually("a changed file to be taken up", || (loaded() > before).then_some(())).await;
    }

    /// The gateway finds the change by itself: a signal beside it could take it up twice.
    async fn swap(&self, text: &str, event: &str) -> Value {
        let of_kind = || self.events().into_iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
        let before = of_kind().len();
        self.write_config(text);
        eventually(event, || of_kind().into_iter().nth(before)).await
    }

    /// Sends a signal by its name, such as `HUP` or `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
    }

    /// Asks the program to end (SIGTERM) and waits for it; its status, and all lines of both logs.
    pub(crate) async fn stop(mut self) -> (ExitStatus, Vec<String>) {
        self.signal("TERM");
        let status = eventually("the gateway to end", || self.child.try_wait().unwrap()).await;
        self.over = true;
        let lines = self.lines.iter_mut().flat_map(Lines::finish).collect();
        (status, lines)
    }

    /// Ends the program at once (SIGKILL).
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.over = true;
    }

    fn into_refused(mut self, status: ExitStatus) -> Refused {
        self.over = true;
        let report = self.lines[1].finish().join("\n");
        Refused { status, report }
    }

    fn assert_no_panic(&mut self) {
        let errors = self.lines[1].finish().join("\n");
        if !std::thread::panicking() {
            assert!(!errors.contains("panicked at"), "the gateway panicked: {errors}");
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let gone = self.child.try_wait().unwrap();
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.assert_no_panic();
        if let (Some(status), false) = (gone, self.over || std::thread::panicking()) {
            panic!("the gateway ended by itself: {status}");
        }
    }
}

fn json(lines: &[String]) -> Vec<Value> {
    lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn figure(metrics: &str, series: &str) -> f64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0.0, |value| value.trim().parse().unwrap())
}

/// A folder of files that outlive the call.
pub(crate) fn write(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}
