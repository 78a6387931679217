//! Rendered documents while the server is down: written to a file when it stops, read when it starts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use pakhus_core::replication::Witness;
use pakhus_core::{Digest, Document};
use pakhus_db::changes;
use serde::{Deserialize, Serialize};

use super::KeptDocument;
use crate::app::App;

/// The longest line of the file, in bytes: one has a key and some numbers.
const LONGEST_LINE: u64 = 64 * 1024;

/// The version of this program.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// The first line of the file.
#[derive(Serialize, Deserialize)]
struct Head {
    /// The Pakhus that rendered them: another one may render otherwise.
    program: String,
    /// Where the logs of the feeds ended.
    ends: BTreeMap<i64, Witness>,
}

/// The line before the bytes of a document, plain and then compressed.
#[derive(Serialize, Deserialize)]
struct Line {
    feed: i64,
    key: String,
    revision: u64,
    etag: String,
    bytes: usize,
    gzip: usize,
    digest: Digest,
}

/// Writes the documents that are kept to a file. It is no harm when that fails.
pub(crate) async fn write_documents(app: &App, path: PathBuf) {
    let documents = app.documents.all();
    let mut ends = BTreeMap::new();
    for feed in documents.iter().map(|document| document.feed).collect::<BTreeSet<_>>() {
        if let Ok(end) = changes::end(&app.database, feed).await {
            let position = end.position;
            ends.insert(feed, Witness { seq: position.seq, chain: position.chain });
        }
    }
    let written = tokio::task::spawn_blocking(move || {
        write(&path, &Head { program: PROGRAM.to_owned(), ends }, &documents)
    });
    if let Ok(Err(error)) = written.await {
        tracing::warn!(%error, "the rendered documents could not be written down");
    }
}

/// Keeps the documents of the file, which is gone then. Those of a feed whose log did not go through
/// where it ended then are left out: the database is another one, or an older one.
pub(crate) async fn read_documents(app: &App, path: PathBuf) {
    let reading = tokio::task::spawn_blocking(move || {
        let documents = read(&path);
        fs::remove_file(&path).and(documents)
    });
    let (head, documents) = match reading.await {
        Ok(Ok(read)) => read,
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return,
        Ok(Err(error)) => {
            return tracing::warn!(%error, "the rendered documents could not be read back");
        }
        Err(_) => return,
    };
    if head.program != PROGRAM {
        return;
    }
    let mut known = BTreeSet::new();
    for (feed, end) in head.ends {
        if let Ok(true) = changes::went_through(&app.database, feed, end).await {
            known.insert(feed);
        }
    }
    for KeptDocument { feed, key, revision, document } in documents {
        if known.contains(&feed) {
            app.documents.insert(feed, key, revision, document).await;
        }
    }
}

fn write(path: &Path, head: &Head, documents: &[KeptDocument]) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = BufWriter::new(File::create(&part)?);
    writeln!(file, "{}", serde_json::to_string(head)?)?;
    for KeptDocument { feed, key, revision, document } in documents {
        let Document { bytes, gzip, etag } = document;
        let line = Line {
            feed: *feed,
            key: key.clone(),
            revision: *revision,
            etag: etag.clone(),
            bytes: bytes.len(),
            gzip: gzip.len(),
            digest: Digest::of_parts(&[key.as_bytes(), bytes, gzip]),
        };
        writeln!(file, "{}", serde_json::to_string(&line)?)?;
        file.write_all(bytes)?;
        file.write_all(gzip)?;
    }
    file.into_inner()?;
    fs::rename(part, path)
}

/// What the file has, as far as it is whole: nobody waits until it is on the disk.
fn read(path: &Path) -> io::Result<(Head, Vec<KeptDocument>)> {
    let mut file = BufReader::new(File::open(path)?);
    let head = read_line(&mut file)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut documents = Vec::new();
    while let Ok(Some(document)) = read_document(&mut file) {
        documents.push(document);
    }
    Ok((head, documents))
}

fn read_document(file: &mut BufReader<File>) -> io::Result<Option<KeptDocument>> {
    let Some(line) = read_line(file)? else { return Ok(None) };
    let Line { feed, key, revision, etag, bytes, gzip, digest } = line;
    let mut read = |length: usize| -> io::Result<Bytes> {
        let mut bytes = Vec::new();
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    };
    let (bytes, gzip) = (read(bytes)?, read(gzip)?);
    if Digest::of_parts(&[key.as_bytes(), &bytes, &gzip]) != digest {
        return Ok(None);
    }
    let document = Document { bytes, gzip, etag };
    Ok(Some(KeptDocument { feed, key, revision, document }))
}

/// The next line; `None` at the end.
fn read_line<T: for<'de> Deserialize<'de>>(file: &mut BufReader<File>) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    file.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    (!line.is_empty()).then(|| Ok(serde_json::from_slice(&line)?)).transpose()
}
