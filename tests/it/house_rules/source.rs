//! A Rust file as the rules see it: code without comments, texts and tests.

/// One file.
pub(super) struct Source {
    /// Its place in the project.
    pub(super) path: String,
    /// All of it.
    text: String,
    /// Comments and texts are blank, and its tests are cut off; lines are where they were.
    pub(super) code: String,
}

/// A function and its size.
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    /// From its first line to its last.
    pub(super) lines: usize,
}

/// A field of a struct or of a variant.
pub(super) struct Field {
    pub(super) line: usize,
    pub(super) kind: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: before_tests(&blank(text)).to_owned() }
    }

    /// The room of the house that the file stands in.
    pub(super) fn room(&self) -> Option<String> {
        let inside = self.path.strip_prefix("src/")?;
        let room = inside.split('/').next()?.trim_end_matches(".rs");
        (room != "lib" && room != "main").then(|| room.to_owned())
    }

    /// The rooms that the code names, with the line.
    pub(super) fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("crate::") {
            let rest = &self.code[at + "crate::".len()..];
            let names: Vec<String> = match rest.strip_prefix('{') {
                Some(_) => split(inner(rest)).into_iter().map(first_word).collect(),
                None => vec![first_word(rest)],
            };
            found.extend(names.into_iter().filter(|name| !name.is_empty()).map(|name| (self.line(at), name)));
        }
        found
    }

    /// Lines in which `super::` leads out of the room.
    pub(super) fn escapes(&self) -> Vec<usize> {
        let depth = self.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod").split('/').count();
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("super::") {
            let steps = self.code[at..].split("super::").skip(1).take_while(|between| between.is_empty()).count() + 1;
            let begins = !self.code[..at].ends_with("super::");
            if begins && steps >= depth {
                found.push(self.line(at));
            }
        }
        found
    }

    pub(super) fn opens_with_a_sentence(&self) -> bool {
        let opening: Vec<_> = self.text.lines().map_while(|line| line.strip_prefix("//! ")).collect();
        opening.first().is_some_and(|first| first.len() >= 3)
            && opening.last().is_some_and(|last| last.ends_with('.') || last.ends_with(':'))
    }

    /// The files that this one declares for tests only.
    pub(super) fn test_files(&self) -> Vec<String> {
        let folder = self.path.strip_suffix("/mod.rs").or(self.path.strip_suffix(".rs")).unwrap_or(&self.path);
        let mut found = Vec::new();
        let mut for_tests = false;
        for line in self.text.lines() {
            if for_tests && let Some(name) = line.strip_suffix(';').and_then(|line| line.rsplit_once("mod ")).map(|(_, name)| name) {
                found.extend([format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")]);
            }
            for_tests = line == "#[cfg(test)]" || (for_tests && line.starts_with("#["));
        }
        found
    }

    pub(super) fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for (at, name) in items(&self.code, "fn ") {
            if let Some((body, '{')) = opening(&self.code[at..], &['{', ';']) {
                let whole = body + inner(&self.code[at + body..]).len() + 2;
                found.push(Function { name, line: self.line(at), lines: self.code[at..at + whole].lines().count() });
            }
        }
        found
    }

    pub(super) fn fields(&self) -> Vec<Field> {
        let mut found = Vec::new();
        for (at, _) in items(&self.code, "struct ") {
            if let Some((body, '{' | '(')) = opening(&self.code[at..], &['{', '(', ';']) {
                self.add_fields(at + body, &mut found);
            }
        }
        for (at, _) in items(&self.code, "enum ") {
            let Some((body, _)) = opening(&self.code[at..], &['{']) else { continue };
            let variants = inner(&self.code[at + body..]);
            for variant in split(variants).into_iter().filter(|variant| !variant.trim_start().starts_with('$')) {
                let bare = without_attributes(variant);
                if let Some(place) = bare.find(['(', '{']) {
                    let place = place + variant.len() - bare.len();
                    let offset = at + body + 1 + (variant.as_ptr() as usize - variants.as_ptr() as usize);
                    self.add_fields(offset + place, &mut found);
                }
            }
        }
        found
    }

    /// The fields between the bracket at `at` and its partner.
    fn add_fields(&self, at: usize, found: &mut Vec<Field>) {
        let body = inner(&self.code[at..]);
        for part in split(body).into_iter().filter(|part| !part.trim().is_empty()) {
            let bare = without_attributes(part).trim_start();
            let line = self.line(at + 1 + (bare.as_ptr() as usize - body.as_ptr() as usize));
            let bare = bare
                .strip_prefix("pub")
                .map_or(bare, |rest| if rest.starts_with('(') { &rest[inner(rest).len() + 2..] } else { rest })
                .trim();
            let kind = if self.code[at..].starts_with('{') { bare.split_once(": ").map_or(bare, |(_, kind)| kind) } else { bare };
            found.push(Field { line, kind: kind.trim().to_owned() });
        }
    }

    fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !is_word(character)).filter(|word| !word.is_empty())
}

/// Whether a name stands in a line as a whole.
pub(super) fn mentions(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let outside = |character: Option<char>| character.is_none_or(|character| !is_word(character));
        outside(line[..at].chars().next_back()) && outside(line[at + name.len()..].chars().next())
    })
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|character| is_word(*character)).collect()
}

/// Places of items that a keyword begins, with their names.
fn items(code: &str, keyword: &str) -> Vec<(usize, String)> {
    let begins = |at: usize| !code[..at].chars().next_back().is_some_and(is_word);
    let named = |at: usize| first_word(&code[at + keyword.len()..]);
    code.match_indices(keyword).filter(|(at, _)| begins(*at)).map(|(at, _)| (at, named(at))).filter(|(_, name)| !name.is_empty()).collect()
}

/// The first of some characters outside of brackets, with its place.
fn opening(code: &str, wanted: &[char]) -> Option<(usize, char)> {
    let mut depth = 0_usize;
    for (at, character) in code.char_indices() {
        match character {
            character if depth == 0 && wanted.contains(&character) => return Some((at, character)),
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// What stands between a bracket, with which the text begins, and its partner.
fn inner(code: &str) -> &str {
    let mut depth = 0_usize;
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                if depth == 0 {
                    return &code[1..at];
                }
            }
            _ => {}
        }
    }
    &code[1..]
}

/// The parts between commas that stand in no brackets.
fn split(code: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start, mut before) = (Vec::new(), 0_i32, 0, ' ');
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '>' if before != '-' && before != '=' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&code[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        before = character;
    }
    parts.push(&code[start..]);
    parts
}

fn without_attributes(mut code: &str) -> &str {
    while let Some(attribute) = code.trim_start().strip_prefix('#') {
        code = &attribute[inner(attribute).len() + 2..];
    }
    code
}

/// The code up to its inline module of tests.
fn before_tests(code: &str) -> &str {
    let mut at = 0;
    let mut tests = None;
    for line in code.split_inclusive('\n') {
        match (tests, line.trim_end()) {
            (_, "#[cfg(test)]") => tests = Some(at),
            (Some(start), line) if line.starts_with("mod ") && line.ends_with('{') => return &code[..start],
            (Some(_), line) if line.starts_with("#[") => {}
            _ => tests = None,
        }
        at += line.len();
    }
    code
}

/// The text with blanks for comments and for what stands in quotes.
fn blank(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let after_word = at > 0 && is_word(characters[at - 1]);
        let length = match (character, characters.get(at + 1)) {
            ('/', Some('/')) => span(&characters, at, |rest| rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())),
            ('/', Some('*')) => comment(&characters[at..]),
            ('"', _) => quoted(&characters[at..], '"'),
            ('r', Some('"' | '#')) if !after_word || characters[at - 1] == 'b' => raw(&characters[at..]),
            ('\'', Some('\\')) => quoted(&characters[at..], '\''),
            ('\'', Some(_)) if characters.get(at + 2) == Some(&'\'') => 3,
            _ => 0,
        };
        if length == 0 {
            code.push(character);
            at += 1;
        }
        for character in &characters[at..at + length] {
            code.push(if *character == '\n' { '\n' } else { ' ' });
        }
        at += length;
    }
    code
}

fn span(characters: &[char], at: usize, length: impl Fn(&[char]) -> usize) -> usize {
    length(&characters[at..])
}

/// The length of a block comment; such comments nest.
fn comment(characters: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < characters.len() {
        match (characters[at], characters.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    at
}

/// The length of something in quotes, with escapes.
fn quoted(characters: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < characters.len() && characters[at] != quote {
        at += if characters[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(characters.len())
}

/// The length of a raw text; 0 for a raw identifier.
fn raw(characters: &[char]) -> usize {
    let hashes = characters[1..].iter().take_while(|character| **character == '#').count();
    if characters.get(hashes + 1) != Some(&'"') {
        return 0;
    }
    let begin = hashes + 2;
    let closes = |at: &usize| characters[*at] == '"' && characters[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
    (begin..characters.len()).find(closes).map_or(characters.len(), |at| at + 1 + hashes)
}
