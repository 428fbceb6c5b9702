//! From YAML events to a tree, within bounds on depth and on the number of nodes.

use super::{Entry, Form, Node, Reading, Scalar, Value};
use crate::config::interpolate::{Interpolated, interpolate};
use crate::config::quote::quoted;
use crate::config::report::MAX_PROBLEMS;
use crate::setting::{Environment, Position, Problem};
use serde_saphyr::granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Tag, options};
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::ops::ControlFlow;

/// How deep lists and mappings may stand in each other; real files need about ten levels.
const MAX_DEPTH: usize = 64;

/// How many nodes a document may have, aliases expanded: 10,000 routes need 300,000.
const MAX_NODES: usize = 1 << 21;

/// Octets of text that weigh as much as one node: aliases and variables may repeat long texts.
const OCTETS_PER_NODE: usize = 64;

/// Composes the tree of `text`.
///
/// The tree comes together with the problems that leave the rest of it worth checking; nodes with
/// such a problem are marked as broken.
///
/// # Errors
/// The text is not one YAML document within the bounds; earlier problems are included.
pub(in crate::config) fn compose(text: &str, environment: Environment) -> Result<(Node<'_>, Vec<Problem>), Vec<Problem>> {
    let mut composer =
        Composer { environment, problems: Vec::new(), open: Vec::new(), anchors: HashMap::new(), room: MAX_NODES, root: None };
    let options = options! { emit_comments: false, flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH };
    let mut events = Parser::new_from_str_with_options(text, options);
    let stopped = events.try_for_each(|next| match next {
        Ok((event, span)) => composer.take(event, position(span.start)),
        Err(error) => ControlFlow::Break(unreadable(&error, text)),
    });
    let Composer { mut problems, root, .. } = composer;
    let stopped = stopped.break_value();
    let is_empty = |node: &Node<'_>| node.scalar().is_some_and(|scalar| scalar.reading() == Reading::Null);
    match root.filter(|root| stopped.is_none() && !is_empty(root)) {
        Some(root) => Ok((root, problems)),
        None => {
            problems.push(stopped.unwrap_or_else(empty));
            Err(problems)
        }
    }
}

/// The problem of a file that says nothing.
fn empty() -> Problem {
    Problem::new(Position::new(1, 1), "a file without settings", "settings in YAML")
}

struct Composer<'t> {
    environment: Environment,
    problems: Vec<Problem>,
    open: Vec<Open<'t>>,
    anchors: HashMap<usize, Anchored<'t>>,
    room: usize,
    root: Option<Node<'t>>,
}

/// A list or mapping whose end is not seen yet.
struct Open<'t> {
    at: Position,
    anchor: usize,
    children: Children<'t>,
}

enum Children<'t> {
    Sequence(Vec<Node<'t>>),
    Mapping(Vec<Entry<'t>>, Key<'t>),
}

/// What the next node of a mapping is.
enum Key<'t> {
    Awaited,
    Read(Node<'t>),
    Refused,
}

/// A node that aliases may repeat, and what that costs.
struct Anchored<'t> {
    node: Node<'t>,
    size: Size,
}

/// How much room a node takes.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    depth: usize,
}

/// Goes on, or stops at a problem that makes the rest of the document worthless.
type Flow = ControlFlow<Problem>;

impl<'t> Composer<'t> {
    fn take(&mut self, event: Event<'t>, at: Position) -> Flow {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(text, style, tag.as_deref(), at);
                self.spend(node.scalar().map_or(0, weight), at)?;
                self.close(node, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                self.open(at, anchor, Children::Sequence(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), at);
                self.open(at, anchor, Children::Mapping(Vec::new(), Key::Awaited))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.repeat(anchor, at),
            // Unknown anchors are errors and the other events, as the options ask, never come.
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => Flow::Continue(()),
            Event::Anchor(..) | Event::UnresolvedAlias(_) | Event::Comment(..) | _ => Flow::Continue(()),
        }
    }

    fn spend(&mut self, nodes: usize, at: Position) -> Flow {
        let Some(room) = self.room.checked_sub(nodes) else {
            return Flow::Break(Problem::new(at, "too many values", format!("at most {MAX_NODES} values, aliases expanded")));
        };
        self.room = room;
        Flow::Continue(())
    }

    /// Records a tag; none but `!!str` is of use in settings.
    fn refuse_tag(&mut self, tag: Option<&Tag>, at: Position) -> bool {
        let problem = tag.map(|_| Problem::new(at, "a tag (a word that begins with `!`)", "a value without a tag"));
        let refused = problem.is_some();
        self.tell(problem);
        refused
    }

    fn tell(&mut self, problem: Option<Problem>) {
        let room = MAX_PROBLEMS.saturating_sub(self.problems.len());
        self.problems.extend(problem.into_iter().take(room));
    }

    fn scalar(&mut self, text: Cow<'t, str>, style: ScalarStyle, tag: Option<&Tag>, at: Position) -> Node<'t> {
        let form = if style == ScalarStyle::Plain && tag.is_none() { Form::Plain } else { Form::Quoted };
        if self.refuse_tag(tag.filter(|tag| !tag.is_yaml_core_schema_tag("str")), at) {
            return broken(at);
        }
        if self.awaits_key() {
            return Node::new(at, Value::Scalar(Scalar::new(text, form)));
        }
        let mut problems = Vec::new();
        let result = interpolate(&text, at, self.environment, &mut problems);
        problems.into_iter().for_each(|problem| self.tell(Some(problem)));
        let scalar = match result {
            Interpolated::Unchanged => Scalar::new(text, form),
            Interpolated::Unescaped(text) => Scalar::new(Cow::Owned(text), Form::Quoted),
            Interpolated::Filled(mut text) => Scalar::new(Cow::Owned(std::mem::take(&mut *text)), Form::Filled),
            Interpolated::Unfilled => return broken(at),
        };
        Node::new(at, Value::Scalar(scalar))
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { children: Children::Mapping(_, Key::Awaited), .. }))
    }

    fn open(&mut self, at: Position, anchor: usize, children: Children<'t>) -> Flow {
        if self.open.len() >= MAX_DEPTH {
            return Flow::Break(too_deep(at));
        }
        self.open.push(Open { at, anchor, children });
        Flow::Continue(())
    }

    fn end(&mut self) -> Flow {
        let Some(Open { at, anchor, children }) = self.open.pop() else {
            return Flow::Continue(());
        };
        let value = match children {
            Children::Sequence(items) => Value::Sequence(items),
            Children::Mapping(mut entries, _) => {
                self.refuse_repeated_keys(&mut entries);
                Value::Mapping(entries)
            }
        };
        self.close(Node::new(at, value), anchor)
    }

    fn refuse_repeated_keys(&mut self, entries: &mut Vec<Entry<'t>>) {
        let mut seen = HashMap::with_capacity(entries.len());
        let problems = &mut self.problems;
        entries.retain(|entry| match seen.entry(entry.key.scalar().map(Scalar::share)) {
            Slot::Vacant(vacant) => {
                vacant.insert(entry.key.at);
                true
            }
            Slot::Occupied(first) => {
                if problems.len() < MAX_PROBLEMS {
                    problems.push(repeated(entry, *first.get()));
                }
                false
            }
        });
    }

    /// Takes in a whole node: remembers it when it has an anchor, and gives it its place.
    fn close(&mut self, node: Node<'t>, anchor: usize) -> Flow {
        self.spend(1, node.at)?;
        if anchor != 0 {
            let size = measure(&node);
            self.spend(size.nodes, node.at)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size });
        }
        self.place(node)
    }

    fn repeat(&mut self, anchor: usize, at: Position) -> Flow {
        let Some(Anchored { node, size }) = self.anchors.get(&anchor) else {
            return Flow::Break(Problem::new(at, "an alias within its own anchor", "an alias of a value that is complete"));
        };
        let (node, size) = (node.clone(), *size);
        if self.open.len().saturating_add(size.depth) > MAX_DEPTH {
            return Flow::Break(too_deep(at));
        }
        self.spend(size.nodes, at)?;
        self.place(node)
    }

    fn place(&mut self, node: Node<'t>) -> Flow {
        let Some(Open { children, .. }) = self.open.last_mut() else {
            if self.root.is_some() {
                return Flow::Break(Problem::new(node.at, "a second document", "one document in a file"));
            }
            self.root = Some(node);
            return Flow::Continue(());
        };
        match children {
            Children::Sequence(items) => items.push(node),
            Children::Mapping(entries, key) => match std::mem::replace(key, Key::Awaited) {
                Key::Awaited => {
                    let refused = refuse_key(&node);
                    *key = if refused.is_some() { Key::Refused } else { Key::Read(node) };
                    self.tell(refused);
                }
                Key::Read(key) => entries.push(Entry { key, value: node }),
                Key::Refused => {}
            },
        }
        Flow::Continue(())
    }
}

fn refuse_key(key: &Node<'_>) -> Option<Problem> {
    let Some(scalar) = key.scalar() else {
        return Some(Problem::new(key.at, "a list or mapping as a key", "a name"));
    };
    (scalar.form() == Form::Plain && scalar.text() == "<<")
        .then(|| Problem::new(key.at, "a merge key `<<`", "the keys themselves (an alias may stand for a whole value)"))
}

fn repeated(entry: &Entry<'_>, first: Position) -> Problem {
    let found = format!("a second key {}", quoted(entry.name()));
    Problem::new(entry.key.at, found, format!("each key once (the first is at {}:{})", first.line(), first.column()))
}

fn broken<'t>(at: Position) -> Node<'t> {
    let node = Node::new(at, Value::Scalar(Scalar::new(Cow::Borrowed(""), Form::Plain)));
    node.mark_broken();
    node
}

fn too_deep(at: Position) -> Problem {
    Problem::new(at, "lists and mappings nested too deeply", format!("at most {MAX_DEPTH} levels"))
}

/// What the text of a scalar weighs, in nodes.
fn weight(scalar: &Scalar<'_>) -> usize {
    scalar.text().len() / OCTETS_PER_NODE
}

fn measure(node: &Node<'_>) -> Size {
    let around = |size: Size, child: &Node<'_>| {
        let inner = measure(child);
        Size { nodes: size.nodes.saturating_add(inner.nodes), depth: size.depth.max(inner.depth) }
    };
    let inner = match &node.value {
        Value::Scalar(scalar) => return Size { nodes: weight(scalar).saturating_add(1), depth: 0 },
        Value::Sequence(items) => items.iter().fold(Size::default(), around),
        Value::Mapping(entries) => entries.iter().flat_map(|entry| [&entry.key, &entry.value]).fold(Size::default(), around),
    };
    Size { nodes: inner.nodes.saturating_add(1), depth: inner.depth.saturating_add(1) }
}

fn position(marker: Marker) -> Position {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    // The parser counts columns from 0.
    Position::new(count(marker.line()), count(marker.col()).saturating_add(1))
}

fn unreadable(error: &ScanError, text: &str) -> Problem {
    let at = position(*error.marker());
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return too_deep(at);
    }
    if matches!(error.kind(), ErrorKind::TabInIndentation | ErrorKind::TabInBlockIndentation | ErrorKind::TabNotAllowed) {
        // The parser points behind the blanks, people look for the tab.
        let line = text.lines().nth(error.marker().line().saturating_sub(1)).unwrap_or_default();
        let before = line.chars().take_while(|character| *character != '\t').count();
        let column = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
        return Problem::new(Position::new(at.line(), column), "a tab that indents", "spaces");
    }
    Problem::new(at, format!("text that is not YAML ({})", error.info()), "YAML 1.2")
}
