//! The journal: JSON lines, one file for each run and writer, read back as one stream in order of time.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::files;
use crate::core::{
    error::{Error, Kind, Result},
    event::{Event, Reporter},
    ports,
};

/// Reads the journal of one stack. Asked again, it reads only what was written since.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    read: Mutex<BTreeMap<PathBuf, Progress>>,
    /// How far [`ports::Journal::news`] has come; nothing before it was first asked.
    told: Mutex<Option<BTreeMap<PathBuf, Progress>>>,
}

/// How far one file was read, and what it held.
#[derive(Debug, Default)]
struct Progress {
    offset: u64,
    lines: usize,
    events: Vec<Event>,
}

impl Journal {
    /// The journal in `dir`; a folder that does not exist yet is an empty journal.
    #[must_use]
    pub fn open(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), read: Mutex::default(), told: Mutex::default() }
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(files::fault("read", &self.dir, &error)),
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>();
        let mut paths = paths.map_err(|error| files::fault("read", &self.dir, &error))?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        Ok(paths)
    }
}

impl ports::Journal for Journal {
    fn events(&self) -> Result<Vec<Event>> {
        let mut read = guard(&self.read);
        let paths = self.files()?;
        read.retain(|path, _| paths.contains(path));
        for path in paths {
            read.entry(path.clone()).or_default().advance(&path)?;
        }
        let mut events: Vec<Event> = read.values().flat_map(|progress| progress.events.iter().cloned()).collect();
        // Stable: within one file the order of writing stands.
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    fn news(&self) -> Result<Vec<Event>> {
        let mut told = guard(&self.told);
        let is_first = told.is_none();
        let mut files = told.take().unwrap_or_default();
        let mut news = Vec::new();
        for path in self.files()? {
            let progress = files.entry(path.clone()).or_default();
            progress.advance(&path)?;
            news.append(&mut progress.events);
        }
        *told = Some(files);
        if is_first {
            return Ok(Vec::new());
        }
        news.sort_by_key(|event| event.at);
        Ok(news)
    }
}

impl Progress {
    fn advance(&mut self, path: &Path) -> Result<()> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(files::fault("read", path, &error)),
        };
        let mut bytes = Vec::new();
        let size = file.seek(SeekFrom::Start(self.offset)).and_then(|_| file.read_to_end(&mut bytes));
        size.map_err(|error| files::fault("read", path, &error))?;
        // What follows the last line end was torn by the death of its writer, or is being written now.
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
        for line in bytes[..end].split(|byte| *byte == b'\n') {
            let event = serde_json::from_slice(line).map_err(|error| corrupt(path, self.lines + 1, &error))?;
            self.lines += 1;
            self.offset += line.len() as u64 + 1;
            self.events.push(event);
        }
        Ok(())
    }
}

fn corrupt(path: &Path, line: usize, error: &serde_json::Error) -> Error {
    let error = Error::new(Kind::State, format!("could not read `{}`, line {line}", path.display()), error.to_string());
    error.hint("the file was damaged, or a newer kedactl wrote it; move it away to go on without that run")
}

/// Writes the events of one run. A line is one write, so that the death of the process tears at most the last.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    state: Mutex<Output>,
}

#[derive(Debug)]
struct Output {
    file: File,
    length: u64,
    fault: Option<Error>,
    /// A torn line could not be taken back: anything more would make the file unreadable.
    torn: bool,
}

impl Writer {
    /// Starts a file in `dir` (made if absent) for a run of `verb`: `<time>-<verb>-<pid>.jsonl`.
    ///
    /// # Errors
    /// `State` when the folder or the file cannot be made.
    pub fn create(dir: &Path, verb: &str) -> Result<Self> {
        files::private_dir(dir)?;
        let stem = format!("{}-{verb}-{}", Timestamp::now().strftime("%Y%m%dT%H%M%S%.6fZ"), std::process::id());
        let mut attempt = 0_u32;
        loop {
            let name = if attempt == 0 { format!("{stem}.jsonl") } else { format!("{stem}-{attempt}.jsonl") };
            let path = dir.join(name);
            match files::private().append(true).create_new(true).open(&path) {
                Ok(file) => {
                    return Ok(Self { path, state: Mutex::new(Output { file, length: 0, fault: None, torn: false }) });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
                Err(error) => return Err(files::fault("create", &path, &error)),
            }
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Reporter for Writer {
    fn report(&self, event: &Event) {
        let mut state = guard(&self.state);
        let written = serde_json::to_vec(event).map_err(io::Error::other).and_then(|mut line| {
            line.push(b'\n');
            state.append(&line)
        });
        if let Err(error) = written {
            state.fault.get_or_insert_with(|| files::fault("write", &self.path, &error));
        }
    }

    /// It is in the journal: nothing is written.
    fn relay(&self, _event: &Event) {}

    fn fault(&self) -> Option<Error> {
        guard(&self.state).fault.clone()
    }
}

impl Output {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            return Err(io::Error::other("an earlier line was torn"));
        }
        let outcome = loop {
            match self.file.write(line) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) if count < line.len() => break Err(io::Error::from(io::ErrorKind::StorageFull)),
                other => break other.map(|_| ()),
            }
        };
        match outcome {
            Ok(()) => self.length += line.len() as u64,
            Err(_) => self.torn = self.file.set_len(self.length).is_err(),
        }
        outcome
    }
}

/// The journal in memory: reader and writer in one, for tests.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Vec<Event>>, Mutex<Option<usize>>);

impl Reporter for Memory {
    fn report(&self, event: &Event) {
        guard(&self.0).push(event.clone());
    }
}

impl ports::Journal for Memory {
    fn events(&self) -> Result<Vec<Event>> {
        let mut events = guard(&self.0).clone();
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    fn news(&self) -> Result<Vec<Event>> {
        let (events, mut told) = (guard(&self.0), guard(&self.1));
        let from = told.replace(events.len()).unwrap_or(events.len());
        Ok(events[from..].to_vec())
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
