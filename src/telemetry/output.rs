//! Where lines go: the access log to one place, audit log and diagnostics to another or the same.
//!
//! Lines are written by a thread of their own, in batches, and none is dropped: when a reader falls
//! behind by [`WAITING`] lines, requests wait for it rather than leave no trace. A place that fails
//! (a full disk, a closed pipe) loses its lines and stops nothing.
//!
//! A file is opened once, for appending. Rotate it by `copytruncate`, or send the lines to standard
//! output and leave rotation to whoever reads there.

use super::text::{Escaping, Moment};
use super::{access, audit, facade};
use crate::clock;
use audit::Decisions;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

/// How many lines wait for the writing thread before requests wait, too: some megabytes.
pub const WAITING: usize = 8_192;

/// A file of lines is for its owner and for the group that reads logs.
const FILE_MODE: u32 = 0o640;

/// A place for lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Nowhere.
    Off,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, appended to.
    File(PathBuf),
}

/// How much the gateway says about itself. Libraries say warnings at most; the audit log is not affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What failed.
    Error,
    /// And what may need attention.
    Warn,
    /// And what changed.
    Info,
    /// And details for people who know the source.
    Debug,
    /// And all the rest.
    Trace,
}

impl Level {
    const fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// What goes where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The place of the access log.
    pub access: Output,
    /// The place of the audit log and the diagnostics.
    pub rest: Output,
    /// How much is said in the diagnostics.
    pub level: Level,
    /// Which decisions about requests are in the audit log.
    pub decisions: Decisions,
}

/// Keeps the writing threads. Dropped at the end of the program, it waits (for a second at most) until
/// every line is written.
#[derive(Debug)]
#[must_use = "dropped at once, it ends all output"]
pub struct Guard {
    _workers: Vec<WorkerGuard>,
}

/// Why lines cannot go where they should.
#[derive(Debug)]
pub enum OutputError {
    /// A file cannot be opened.
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Output was started before, and cannot be started twice.
    AlreadyStarted,
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, error } => write!(f, "the log file {} cannot be opened: {error}", path.display()),
            Self::AlreadyStarted => f.write_str("the logs were started already"),
        }
    }
}

impl std::error::Error for OutputError {}

/// Starts all output of the program, once.
///
/// # Errors
/// A file cannot be opened, or output was started before.
pub fn start(settings: &Settings) -> Result<Guard, OutputError> {
    let (dispatch, guard) = build(settings)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| OutputError::AlreadyStarted)?;
    facade::install().map_err(|_| OutputError::AlreadyStarted)?;
    access::WANTED.store(settings.access != Output::Off, Ordering::Relaxed);
    let decisions = if settings.rest == Output::Off { Decisions::Neither } else { settings.decisions };
    audit::WANTED.store(decisions.rank(), Ordering::Relaxed);
    Ok(guard)
}

/// The subscriber of these settings, without making it the program's.
pub(super) fn build(settings: &Settings) -> Result<(Dispatch, Guard), OutputError> {
    let mut workers = Vec::new();
    let rest = open(&settings.rest, &mut workers)?;
    // One thread per place, so that lines keep their order there.
    let access = if settings.access == settings.rest { rest.clone() } else { open(&settings.access, &mut workers)? };
    let mut layers = Vec::new();
    layers.extend(access.map(|writer| lines(writer, access_only())));
    layers.extend(rest.map(|writer| lines(writer, all_but_access(settings.level))));
    Ok((Dispatch::new(Registry::default().with(layers)), Guard { _workers: workers }))
}

fn access_only() -> Targets {
    Targets::new().with_target(access::TARGET, LevelFilter::INFO)
}

fn all_but_access(level: Level) -> Targets {
    Targets::new()
        .with_default(level.filter().min(LevelFilter::WARN))
        .with_target("portcullis", level.filter())
        .with_target(audit::TARGET, LevelFilter::INFO)
        .with_target(access::TARGET, LevelFilter::OFF)
}

fn lines(writer: NonBlocking, filter: Targets) -> Box<dyn Layer<Registry> + Send + Sync> {
    let layer = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_timer(Clock)
        .log_internal_errors(false)
        .with_writer(Lines(writer));
    Box::new(layer.with_filter(filter))
}

fn open(output: &Output, workers: &mut Vec<WorkerGuard>) -> Result<Option<NonBlocking>, OutputError> {
    let (writer, worker) = match output {
        Output::Off => return Ok(None),
        Output::Stdout => spawn(io::stdout()),
        Output::Stderr => spawn(io::stderr()),
        Output::File(path) => spawn(append(path)?),
    };
    workers.push(worker);
    Ok(Some(writer))
}

fn append(path: &Path) -> Result<std::fs::File, OutputError> {
    let opened = OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(path);
    opened.map_err(|error| OutputError::File { path: path.to_owned(), error })
}

fn spawn(place: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    let builder = NonBlockingBuilder::default().buffered_lines_limit(WAITING).lossy(false).thread_name("lines");
    builder.finish(BufWriter::new(place))
}

/// Hands out writers that escape.
struct Lines(NonBlocking);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Escaping<NonBlocking>;

    fn make_writer(&'a self) -> Self::Writer {
        Escaping(self.0.make_writer())
    }
}

/// Stamps lines with the time of day in UTC, in microseconds (RFC 3339).
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{:.6}", Moment(clock::stamp()))
    }
}
