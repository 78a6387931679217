//! How the protocol looks on HTTP: headers, limits, pages of NDJSON.

use pakhus_core::Digest;
use pakhus_core::replication::{ChangeLine, PageEnd, Record, RecordKey, State};
use serde::{Deserialize, Serialize};

/// The id of the client's instance.
pub(super) const INSTANCE: &str = "pakhus-instance";
/// The name of the client's instance, percent-encoded.
pub(super) const NAME: &str = "pakhus-instance-name";
/// The client's feed.
pub(super) const FEED: &str = "pakhus-feed";
/// The package type of the client's feed.
pub(super) const TYPE: &str = "pakhus-type";
/// What the client's feed is set to do.
pub(super) const MODE: &str = "pakhus-client-mode";
/// The version of Pakhus that the client runs.
pub(super) const VERSION: &str = "pakhus-version";
/// The replication protocol that the client speaks.
pub(super) const PROTOCOL: &str = "pakhus-protocol";

/// On pages: the digest of what the server would say in a handshake.
pub(super) const TAG: &str = "pakhus-handshake";

/// The media type of pages.
pub(super) const NDJSON: &str = "application/x-ndjson";

/// The most records of one page.
pub(super) const PAGE_RECORDS: u64 = 2_000;
/// A page ends when its states have this many bytes.
pub(super) const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// The most bytes of one line.
pub(super) const LINE_BYTES: usize = 32 * 1024 * 1024;
/// The most bytes of a whole page that is received.
pub(super) const RECEIVED_BYTES: usize = PAGE_BYTES + LINE_BYTES;
/// The most bytes of a blob that travels with others in one stream.
pub(super) const SMALL_BLOB: u64 = 256 * 1024;
/// The most blobs of one stream.
pub(super) const BATCH_BLOBS: usize = 1_024;
/// The most bytes of one stream.
pub(super) const BATCH_BYTES: u64 = 16 * 1024 * 1024;

/// Asks for records by their keys.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RecordKeys {
    pub(super) keys: Vec<RecordKey>,
}

/// What a server made of many small blobs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct TakenBlobs {
    pub(super) stored: Vec<Digest>,
    pub(super) refused: Vec<RefusedBlob>,
}

/// A blob that the server did not store, and why.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RefusedBlob {
    pub(super) digest: Digest,
    pub(super) detail: String,
}

/// The longest time a server holds a request for changes, in seconds.
pub(super) const MAX_WAIT: u64 = 50;

/// A page that does not read as one.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("line {line} of the page is not what the protocol says: {source}")]
    Line { line: usize, source: serde_json::Error },
    #[error("line {line} of the page holds neither a record nor an end")]
    Empty { line: usize },
    #[error("the page has more than {PAGE_RECORDS} records")]
    TooMany,
    #[error("the page broke off before its end")]
    NoEnd,
    #[error("a key stands twice in the page")]
    Twice,
}

/// Writes records as lines, with the end of the page if there is one.
pub(super) fn write_page<'a>(
    records: impl Iterator<Item = (&'a RecordKey, &'a State)>,
    end: Option<PageEnd>,
) -> serde_json::Result<Vec<u8>> {
    let mut page = Vec::new();
    for (key, state) in records {
        // Borrowed here, so that large states are not copied only to be written.
        #[derive(serde::Serialize)]
        struct Line<'a> {
            key: &'a RecordKey,
            state: &'a State,
        }
        serde_json::to_writer(&mut page, &Line { key, state })?;
        page.push(b'\n');
    }
    if let Some(end) = end {
        let line = ChangeLine { key: None, state: None, end: Some(end) };
        serde_json::to_writer(&mut page, &line)?;
        page.push(b'\n');
    }
    Ok(page)
}

/// Reads lines. No key stands twice in what is returned.
pub(super) fn read_page(page: &[u8]) -> Result<(Vec<Record>, Option<PageEnd>), WireError> {
    let mut records = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let lines = page.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for (number, line) in lines.enumerate() {
        let at = number + 1;
        let line: ChangeLine =
            serde_json::from_slice(line).map_err(|source| WireError::Line { line: at, source })?;
        match (line.key, line.state, line.end) {
            (None, None, Some(end)) => return Ok((records, Some(end))),
            (Some(key), Some(state), None) => {
                if records.len() as u64 >= PAGE_RECORDS {
                    return Err(WireError::TooMany);
                }
                if !seen.insert(key.clone()) {
                    return Err(WireError::Twice);
                }
                records.push(Record { key, state });
            }
            _ => return Err(WireError::Empty { line: at }),
        }
    }
    Ok((records, None))
}

#[cfg(test)]
mod tests {
    use pakhus_core::replication::{CountState, Position};

    use super::*;

    fn record() -> Record {
        Record {
            key: RecordKey::Downloads {
                name: "a".to_owned(),
                version: "1.0.0".to_owned(),
                instance: "la".to_owned(),
            },
            state: State::Count(CountState { count: 7, ..CountState::default() }),
        }
    }

    #[test]
    fn a_page_reads_as_it_was_written() {
        let record = record();
        let end = PageEnd { through: 3, head: Position::START, more: true };
        let page = write_page([(&record.key, &record.state)].into_iter(), Some(end.clone()))
            .expect("it is JSON");
        let (records, read_end) = read_page(&page).expect("a page");
        assert_eq!(records, [record]);
        assert_eq!(read_end, Some(end));
    }

    #[test]
    fn a_broken_page_is_refused() {
        let record = record();
        let line = write_page([(&record.key, &record.state)].into_iter(), None).expect("JSON");
        assert!(matches!(read_page(b"{}\n"), Err(WireError::Empty { line: 1 })));
        assert!(matches!(read_page(b"{\"key\""), Err(WireError::Line { line: 1, .. })));
        assert!(matches!(read_page(&[&line[..], &line[..]].concat()), Err(WireError::Twice)));
        assert!(matches!(read_page(&line), Ok((_, None))));
    }
}
