//! Programs of others that tests run: clients in other languages, a browser, Prometheus.

use portcullis::clock;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest that a program of others may take: a browser on a busy machine starts slowly.
pub(crate) const LONG_PATIENCE: Duration = Duration::from_secs(60);

/// A file of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A script of `tests/clients`.
pub(crate) fn script(name: &str) -> PathBuf {
    project("tests/clients").join(name)
}

fn needed(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing: run `make tools`", path.display());
    path
}

/// A Python script, run by the Python that has the test's packages.
pub(crate) fn python(name: &str) -> Command {
    let mut command = Command::new(needed(project("target/test-tools/python/bin/python")));
    command.arg("-u").arg(script(name));
    command
}

/// A Node script that finds the test's packages.
pub(crate) fn node(name: &str) -> Command {
    let packages = needed(project("target/test-tools/node/node_modules"));
    let mut command = system("node");
    command.env("NODE_PATH", packages).arg(script(name));
    command
}

/// A program of the system.
pub(crate) fn system(name: &str) -> Command {
    let found = ["/usr/local/bin", "/usr/bin", "/bin"].iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    Command::new(found.unwrap_or_else(|| panic!("the program {name} is missing: run `make tools`")))
}

/// What a program wrote and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program to its end; fails where it takes too long.
pub(crate) async fn outcome(command: &mut Command) -> Outcome {
    Program::start(command).end().await
}

/// Runs a program that must succeed; what it wrote to standard output.
pub(crate) async fn output(command: &mut Command) -> String {
    let shown = format!("{command:?}");
    let outcome = outcome(command).await;
    assert!(outcome.status.success(), "{shown} failed: {outcome:#?}");
    outcome.stdout
}

/// A running program; it ends when this is dropped.
pub(crate) struct Program {
    child: Child,
    outputs: [Lines; 2],
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Starts it, with nothing on its standard input.
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start ({error}): run `make tools`"));
        let outputs = [Lines::of(child.stdout.take().unwrap()), Lines::of(child.stderr.take().unwrap())];
        Self { child, outputs }
    }

    /// The lines of standard output so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.outputs[0].all()
    }

    /// Waits for a line of standard output; fails where the program ends before.
    pub(crate) async fn line(&mut self, wanted: &str) {
        let deadline = clock::instant() + LONG_PATIENCE;
        loop {
            // Looked at before the lines, so that the last lines of an ended program count.
            let ended = self.child.try_wait().unwrap();
            if self.lines().iter().any(|line| line == wanted) {
                return;
            }
            assert!(ended.is_none() && clock::instant() < deadline, "no line {wanted:?}: {:?} {:?}", self.lines(), self.outputs[1].all());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Outcome {
        let deadline = clock::instant() + LONG_PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(clock::instant() < deadline, "not done after {LONG_PATIENCE:?}: {:?} {:?}", self.lines(), self.outputs[1].all());
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let [stdout, stderr] = &mut self.outputs;
        Outcome { status, stdout: stdout.finish().join("\n"), stderr: stderr.finish().join("\n") }
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
            for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
                ours.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
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
