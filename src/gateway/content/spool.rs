//! Content that waits: small in memory, beyond that in a file without a name, both within totals for the process.

use crate::config::document::Limits;
use bytes::{Bytes, BytesMut};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::spawn_blocking;

/// How much is read from a file at once.
const PIECE: u64 = 64 << 10;
/// What a piece in memory costs beside its octets.
const PIECE_COST: u64 = 64;
/// The most pieces in memory; further ones are joined to the last, so that tiny ones cost no more than they hold.
const MOST_PIECES: usize = 64;

/// What all spools of the process hold together, in octets.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Room {
    memory: AtomicU64,
    files: AtomicU64,
}

impl Room {
    /// What is held in memory now.
    pub(in crate::gateway) fn memory_octets(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    /// What is held in files now.
    pub(in crate::gateway) fn file_octets(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }
}

/// Why content could not be kept.
#[derive(Debug)]
pub(in crate::gateway) enum NotKept {
    /// Contents of other requests take all the room there is.
    Full,
    /// The file could not be made, written or read.
    File(io::Error),
}

/// A share of a total, given back by `Drop`.
#[derive(Debug)]
struct Share {
    room: Arc<Room>,
    of: fn(&Room) -> &AtomicU64,
    octets: u64,
    /// What of it is set aside, and not taken yet.
    spare: u64,
}

impl Share {
    fn none(room: &Arc<Room>, of: fn(&Room) -> &AtomicU64) -> Self {
        Self { room: Arc::clone(room), of, octets: 0, spare: 0 }
    }

    /// Sets `octets` aside, unless the total would go beyond `most`.
    fn reserve(&mut self, octets: u64, most: u64) -> Result<(), NotKept> {
        self.grow(octets, most)?;
        self.spare = octets;
        Ok(())
    }

    /// Takes `octets` of what is set aside, and grows by what is missing.
    fn take(&mut self, octets: u64, most: u64) -> Result<(), NotKept> {
        let spare = self.spare.min(octets);
        self.grow(octets.saturating_sub(spare), most)?;
        self.spare = self.spare.saturating_sub(spare);
        Ok(())
    }

    /// Grows by `octets`, unless the total would go beyond `most`.
    fn grow(&mut self, octets: u64, most: u64) -> Result<(), NotKept> {
        let total = (self.of)(&self.room);
        if total.fetch_add(octets, Ordering::Relaxed).saturating_add(octets) > most {
            total.fetch_sub(octets, Ordering::Relaxed);
            return Err(NotKept::Full);
        }
        self.octets = self.octets.saturating_add(octets);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        (self.of)(&self.room).fetch_sub(self.octets, Ordering::Relaxed);
    }
}

/// How much may be kept, and where.
#[derive(Clone, Debug)]
struct Bounds {
    in_memory: u64,
    memory_total: u64,
    files_total: u64,
    folder: PathBuf,
}

/// One content that waits. It can be read several times, once for each attempt.
#[derive(Debug)]
pub(in crate::gateway) struct Spool {
    bounds: Bounds,
    memory: Share,
    files: Share,
    pieces: Vec<Bytes>,
    /// The octets of the pieces in memory.
    held: u64,
    file: Option<Arc<File>>,
    /// The piece in memory that is read next.
    next_piece: usize,
    /// The place in the file that is read next.
    next_octet: u64,
}

impl Spool {
    /// An empty spool under the limits of a request.
    pub(in crate::gateway) fn new(room: &Arc<Room>, limits: &Limits) -> Self {
        let bounds = Bounds {
            in_memory: limits.spool_after.octets(),
            memory_total: limits.max_body_memory.octets(),
            files_total: limits.max_spool_size.octets(),
            folder: (*limits.spool_directory).clone(),
        };
        let (memory, files) = (Share::none(room, |room| &room.memory), Share::none(room, |room| &room.files));
        Self { bounds, memory, files, pieces: Vec::new(), held: 0, file: None, next_piece: 0, next_octet: 0 }
    }

    /// An empty spool for `length` octets, which are certain to find room in memory; nothing where they are not. Half of
    /// all memory is left to contents that have no choice but to wait.
    pub(in crate::gateway) fn in_memory_for(length: u64, room: &Arc<Room>, limits: &Limits) -> Option<Self> {
        let mut spool = Self::new(room, limits);
        let pieces = length.min(u64::try_from(MOST_PIECES).unwrap_or(u64::MAX));
        let cost = length.saturating_add(pieces.saturating_mul(PIECE_COST));
        let fits = length <= spool.bounds.in_memory && spool.memory.reserve(cost, spool.bounds.memory_total / 2).is_ok();
        fits.then_some(spool)
    }

    /// Takes a piece behind those before it.
    ///
    /// # Errors
    /// There is no room, or the file cannot be written.
    pub(in crate::gateway) async fn push(&mut self, piece: Bytes) -> Result<(), NotKept> {
        let octets = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let cost = if self.is_full_of_pieces() { octets } else { octets.saturating_add(PIECE_COST) };
        let held = self.held.saturating_add(octets);
        if self.file.is_none() && held <= self.bounds.in_memory && self.memory.take(cost, self.bounds.memory_total).is_ok() {
            self.held = held;
            self.keep(piece);
            return Ok(());
        }
        let at = self.files.octets;
        self.files.grow(octets, self.bounds.files_total)?;
        let file = Arc::clone(self.opened().await?);
        blocking(move || file.write_all_at(&piece, at)).await
    }

    /// Whether the next piece is joined to the last, which nobody has read yet.
    const fn is_full_of_pieces(&self) -> bool {
        self.pieces.len() >= MOST_PIECES && self.next_piece < self.pieces.len()
    }

    fn keep(&mut self, piece: Bytes) {
        let last = if self.is_full_of_pieces() { self.pieces.pop() } else { None };
        self.pieces.push(match last {
            None => piece,
            Some(last) => {
                let mut joined = BytesMut::from(last);
                joined.extend_from_slice(&piece);
                joined.freeze()
            }
        });
    }

    /// The whole content, where none of it is in a file.
    pub(in crate::gateway) fn in_memory(&self) -> Option<&[Bytes]> {
        self.file.is_none().then_some(&self.pieces)
    }

    async fn opened(&mut self) -> Result<&Arc<File>, NotKept> {
        match self.file {
            Some(ref file) => Ok(file),
            None => {
                let folder = self.bounds.folder.clone();
                let file = blocking(move || tempfile::tempfile_in(folder)).await?;
                Ok(self.file.insert(Arc::new(file)))
            }
        }
    }

    /// The next piece; nothing at the end. A call that is given up half-way loses nothing.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(in crate::gateway) async fn next(&mut self) -> Result<Option<Bytes>, NotKept> {
        if let Some(piece) = self.pieces.get(self.next_piece) {
            self.next_piece = self.next_piece.saturating_add(1);
            return Ok(Some(piece.clone()));
        }
        let (Some(file), at) = (&self.file, self.next_octet) else { return Ok(None) };
        let length = self.files.octets.saturating_sub(at).min(PIECE);
        if length == 0 {
            return Ok(None);
        }
        let file = Arc::clone(file);
        let piece = blocking(move || read_piece(&file, at, length)).await?;
        self.next_octet = at.saturating_add(length);
        Ok(Some(piece))
    }

    /// Whether everything was read.
    pub(in crate::gateway) const fn is_at_end(&self) -> bool {
        self.next_piece >= self.pieces.len() && self.next_octet >= self.files.octets
    }

    /// Starts reading at the beginning again.
    pub(in crate::gateway) const fn rewind(&mut self) {
        self.next_piece = 0;
        self.next_octet = 0;
    }
}

fn read_piece(file: &File, at: u64, length: u64) -> io::Result<Bytes> {
    let mut piece = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut piece, at)?;
    Ok(piece.into())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, NotKept> {
    match spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(NotKept::File),
        Err(_) => Err(NotKept::File(io::Error::other("the gateway is stopping"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::{ByteSize, Located, Position};

    fn limits(in_memory: u64, memory_total: u64, files_total: u64) -> Limits {
        Limits {
            spool_after: ByteSize::from_octets(in_memory),
            max_body_memory: ByteSize::from_octets(memory_total),
            max_spool_size: ByteSize::from_octets(files_total),
            ..Limits::default()
        }
    }

    async fn read_all(spool: &mut Spool) -> Vec<u8> {
        let mut content = Vec::new();
        while let Some(piece) = spool.next().await.unwrap() {
            content.extend_from_slice(&piece);
        }
        assert!(spool.is_at_end());
        content
    }

    #[tokio::test]
    async fn what_goes_in_comes_out_as_often_as_asked() {
        for in_memory in [0, 10, 1 << 20] {
            let room = Arc::new(Room::default());
            let mut spool = Spool::new(&room, &limits(in_memory, 1 << 30, 1 << 30));
            let content: Vec<u8> = (0..=250).cycle().take(200_000).collect();
            for piece in content.chunks(7_001) {
                spool.push(Bytes::copy_from_slice(piece)).await.unwrap();
            }
            for _ in 0..2 {
                assert!(!spool.is_at_end());
                assert_eq!(read_all(&mut spool).await, content);
                spool.rewind();
            }
        }
    }

    #[tokio::test]
    async fn tiny_pieces_cost_little_more_than_they_hold() {
        let room = Arc::new(Room::default());
        let mut spool = Spool::new(&room, &limits(1 << 20, 1 << 20, 0));
        let content: Vec<u8> = (0..=250).cycle().take(20_000).collect();
        for octet in &content {
            spool.push(Bytes::copy_from_slice(&[*octet])).await.unwrap();
        }
        assert_eq!((room.memory_octets(), spool.pieces.len()), (20_000 + 64 * 64, 64));
        assert_eq!(read_all(&mut spool).await, content);
        // What was read once is not changed any more.
        spool.push(Bytes::from_static(b"x")).await.unwrap();
        assert_eq!((read_all(&mut spool).await, spool.pieces.len()), (b"x".to_vec(), 65));
    }

    #[tokio::test]
    async fn what_is_set_aside_is_there_whatever_others_take() {
        let room = Arc::new(Room::default());
        let (limits_of_others, limits) = (limits(1 << 20, 10_000, 0), limits(1_000, 10_000, 0));
        let mut mine = Spool::in_memory_for(500, &room, &limits).unwrap();
        assert_eq!(room.memory_octets(), 500 + 64 * 64);
        let mut other = Spool::new(&room, &limits_of_others);
        while other.push(Bytes::from_static(&[7; 100])).await.is_ok() {}
        assert!(Spool::in_memory_for(500, &room, &limits).is_none(), "half of all is for others");
        for _ in 0..500 {
            mine.push(Bytes::from_static(b"x")).await.unwrap();
        }
        assert_eq!(read_all(&mut mine).await.len(), 500);
        drop((mine, other));
        assert_eq!(room.memory_octets(), 0);
        assert!(Spool::in_memory_for(1_001, &room, &limits).is_none(), "beyond spool_after");
    }

    #[tokio::test]
    async fn the_totals_hold_and_are_given_back() {
        let room = Arc::new(Room::default());
        let piece = Bytes::from_static(&[7; 100]);
        let mut one = Spool::new(&room, &limits(1_000, 250, 150));
        one.push(piece.clone()).await.unwrap();
        // The memory is taken, so the second goes to a file; a third finds no room anywhere.
        one.push(piece.clone()).await.unwrap();
        let mut other = Spool::new(&room, &limits(1_000, 250, 150));
        assert!(matches!(other.push(piece.clone()).await, Err(NotKept::Full)));
        assert_eq!(read_all(&mut one).await.len(), 200);
        drop(one);
        other.push(piece).await.unwrap();
        assert_eq!((room.memory_octets(), room.file_octets()), (164, 0));
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_told() {
        let mut nowhere = limits(0, 0, 1_000);
        nowhere.spool_directory = Located::new("/nonexistent/folder".into(), Position::default());
        let mut spool = Spool::new(&Arc::new(Room::default()), &nowhere);
        assert!(matches!(spool.push(Bytes::from_static(b"x")).await, Err(NotKept::File(_))));
    }
}
