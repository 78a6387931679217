//! Forms: the file in a `multipart/form-data` body (RFC 7578), found while the body streams by.
//!
//! Read as generously as clients write it: the boundary quoted or not, the first part that has a file
//! name whatever it is called, lines that end without a carriage return.

use bytes::{Buf as _, Bytes, BytesMut};

/// The most bytes of the headers of one part.
const MAX_HEADERS: usize = 8 << 10;

/// The longest boundary (RFC 2046 section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// A form that cannot be read, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the form is malformed: {0}")]
pub struct InvalidForm(&'static str);

/// Takes the pieces of a form and gives those of the first file in it. What comes after that file is
/// not looked at.
#[derive(Debug)]
pub struct FormFile {
    /// What ends a part: a line feed, two hyphens and the boundary. A carriage return before it
    /// belongs to it.
    delimiter: Vec<u8>,
    held: BytesMut,
    within: Within,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// What comes before the first part, or a part without a file name.
    Skipped,
    /// What follows a boundary on its line.
    BoundaryLine,
    Headers,
    File,
    Over,
}

impl FormFile {
    /// Begins to read the body that `content_type` describes; `None` when it is no form.
    ///
    /// # Errors
    /// When it is a form without a boundary, or one longer than 70 bytes.
    pub fn new(content_type: &str) -> Option<Result<Self, InvalidForm>> {
        let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
        });
        Some(match boundary {
            None | Some("") => Err(InvalidForm("its content type has no boundary")),
            Some(boundary) if boundary.len() > MAX_BOUNDARY => {
                Err(InvalidForm("its boundary is longer than 70 bytes"))
            }
            Some(boundary) => Ok(Self {
                delimiter: format!("\n--{boundary}").into_bytes(),
                // So that a boundary at the very beginning is found as any other.
                held: BytesMut::from("\n"),
                within: Within::Skipped,
            }),
        })
    }

    /// Takes the next bytes of the body, and tells `found` the pieces of the file in them.
    ///
    /// # Errors
    /// When they are no form.
    pub fn feed(&mut self, bytes: &[u8], found: &mut impl FnMut(Bytes)) -> Result<(), InvalidForm> {
        if self.within == Within::Over {
            return Ok(());
        }
        self.held.extend_from_slice(bytes);
        while self.step(found)? {}
        Ok(())
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// When the form has no file, or breaks off within it.
    pub fn finish(self) -> Result<(), InvalidForm> {
        match self.within {
            Within::Over => Ok(()),
            Within::File => Err(InvalidForm("it breaks off within the file")),
            _ => Err(InvalidForm("it breaks off before a file")),
        }
    }

    /// Goes on as far as the held bytes allow; false when more are needed.
    fn step(&mut self, found: &mut impl FnMut(Bytes)) -> Result<bool, InvalidForm> {
        match self.within {
            Within::Skipped => match self.delimiter_at() {
                Some(at) => {
                    self.held.advance(at + self.delimiter.len());
                    self.within = Within::BoundaryLine;
                    Ok(true)
                }
                None => {
                    let keep = self.delimiter.len().min(self.held.len());
                    self.held.advance(self.held.len() - keep);
                    Ok(false)
                }
            },
            Within::BoundaryLine => {
                if self.held.starts_with(b"--") {
                    return Err(InvalidForm("it has no file"));
                }
                match self.held.iter().position(|byte| *byte == b'\n') {
                    Some(end) => {
                        // The line feed stays: headers may end at once.
                        self.held.advance(end);
                        self.within = Within::Headers;
                        Ok(true)
                    }
                    None if self.held.len() > MAX_BOUNDARY => {
                        Err(InvalidForm("something follows a boundary on its line"))
                    }
                    None => Ok(false),
                }
            }
            Within::Headers => match headers_end(&self.held) {
                Some((end, next)) if end <= MAX_HEADERS => {
                    let has_name = has_file_name(&self.held[..end]);
                    self.held.advance(next);
                    self.within = if has_name { Within::File } else { Within::Skipped };
                    Ok(true)
                }
                None if self.held.len() <= MAX_HEADERS => Ok(false),
                _ => Err(InvalidForm("the headers of a part are longer than 8 KiB")),
            },
            Within::File => {
                let (end, is_over) = match self.delimiter_at() {
                    Some(at) if at > 0 && self.held[at - 1] == b'\r' => (at - 1, true),
                    Some(at) => (at, true),
                    // One byte more than may begin the delimiter: the carriage return.
                    None => (self.held.len().saturating_sub(self.delimiter.len()), false),
                };
                if end > 0 {
                    found(self.held.split_to(end).freeze());
                }
                if is_over {
                    self.held.clear();
                    self.within = Within::Over;
                }
                Ok(false)
            }
            Within::Over => Ok(false),
        }
    }

    fn delimiter_at(&self) -> Option<usize> {
        let mut from = 0;
        while let Some(found) = self.held[from..].iter().position(|byte| *byte == b'\n') {
            let at = from + found;
            if self.held[at..].starts_with(&self.delimiter) {
                return Some(at);
            }
            from = at + 1;
        }
        None
    }
}

/// Where the headers end that begin behind a line feed, and where the content begins: at an empty line.
fn headers_end(held: &[u8]) -> Option<(usize, usize)> {
    held.iter().enumerate().filter(|(_, byte)| **byte == b'\n').find_map(|(at, _)| {
        match held.get(at + 1..)? {
            [b'\n', ..] => Some((at, at + 2)),
            [b'\r', b'\n', ..] => Some((at, at + 3)),
            _ => None,
        }
    })
}

/// Whether the headers of a part give it a file name (`filename` or `filename*`, RFC 6266).
fn has_file_name(headers: &[u8]) -> bool {
    String::from_utf8_lossy(headers)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
        .flat_map(|(_, value)| value.split(';'))
        .filter_map(|parameter| parameter.split_once('='))
        .any(|(name, _)| {
            let name = name.trim();
            name.eq_ignore_ascii_case("filename") || name.eq_ignore_ascii_case("filename*")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNQUOTED: &str = "multipart/form-data; boundary=b-1";

    fn file(content_type: &str, body: &[u8], piece: usize) -> Result<Vec<u8>, InvalidForm> {
        let mut form = FormFile::new(content_type).expect("a form")?;
        let mut file = Vec::new();
        for piece in body.chunks(piece) {
            form.feed(piece, &mut |bytes| file.extend_from_slice(&bytes))?;
        }
        form.finish().map(|()| file)
    }

    fn same_in_all_pieces(content_type: &str, body: &[u8], expected: &[u8]) {
        for piece in 1..=body.len() {
            assert_eq!(file(content_type, body, piece).as_deref(), Ok(expected), "{piece}");
        }
    }

    #[test]
    fn the_file_is_found_however_the_body_is_cut() {
        let body = b"--b-1\r\nContent-Type: application/octet-stream\r\n\
            Content-Disposition: form-data; name=package; filename=package.nupkg; \
            filename*=utf-8''package.nupkg\r\n\r\nPK\r\n--b-\r\n\n\r\r\n--b-1--\r\n";
        for content_type in [UNQUOTED, "Multipart/Form-Data; Boundary=\"b-1\""] {
            same_in_all_pieces(content_type, body, b"PK\r\n--b-\r\n\n\r");
        }
    }

    #[test]
    fn the_last_boundary_may_stand_behind_a_bare_line_feed() {
        let body = b"--b-1\r\nContent-Disposition: form-data; name=\"package\"; \
            filename=\"package\"\r\n\r\nPK\0\n--b-1--";
        same_in_all_pieces(UNQUOTED, body, b"PK\0");
    }

    #[test]
    fn fields_before_the_file_and_what_is_behind_it_are_passed_over() {
        let body = b"preamble\r\n--b-1\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n\
            filename=x\r\n--b-1\r\ncontent-disposition: form-data; name=\"a\"; filename=\"a\"\r\n\
            \r\n\r\n--b-1\r\nContent-Disposition: form-data; filename=\"b\"\r\n\r\nB\r\n--b-1--";
        same_in_all_pieces(UNQUOTED, body, b"");
    }

    #[test]
    fn what_is_no_form_with_a_file_is_refused() {
        let part = b"--b-1\r\nContent-Disposition: form-data; filename=a\r\n\r\nPK".as_slice();
        for body in [b"".as_slice(), b"--b-1", b"--b-1--", b"PK\x03\x04", part] {
            assert!(file(UNQUOTED, body, 1).is_err(), "{body:?}");
        }
        let headers = format!("--b-1\r\nA: {}", "x".repeat(9 << 10));
        assert!(file(UNQUOTED, headers.as_bytes(), 100).is_err());
        let line = format!("--b-1{}", "x".repeat(100));
        assert!(file(UNQUOTED, line.as_bytes(), 100).is_err());
        assert!(FormFile::new("multipart/form-data").expect("a form").is_err());
        assert!(FormFile::new("application/octet-stream").is_none());
    }
}
