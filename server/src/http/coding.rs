//! How the body of an answer is compressed.

use axum::http::{HeaderMap, header};

/// A content coding (RFC 9110 section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Compressed by Brotli (RFC 7932).
    Brotli,
    /// Compressed by gzip.
    Gzip,
    /// Not compressed.
    Identity,
}

impl Coding {
    /// The coding that the client likes best (RFC 9110 section 12.5.3), and of those that it likes
    /// alike, the smallest.
    pub(super) fn accepted(request: &HeaderMap) -> Self {
        let (mut brotli, mut gzip, mut any) = (None, None, None);
        for value in request.get_all(header::ACCEPT_ENCODING) {
            let Ok(list) = value.to_str() else { continue };
            for coding in list.split(',') {
                let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
                let weight = weight(parameters);
                match name.trim() {
                    "br" => brotli = Some(weight),
                    "gzip" | "x-gzip" => gzip = Some(weight),
                    "*" => any = Some(weight),
                    _ => {}
                }
            }
        }
        let brotli = brotli.or(any).unwrap_or(0.0);
        let gzip = gzip.or(any).unwrap_or(0.0);
        if brotli > 0.0 && brotli >= gzip {
            Self::Brotli
        } else if gzip > 0.0 {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    /// Its name in `Content-Encoding`.
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }
}

/// The weight among the parameters of a coding (RFC 9110 section 12.4.2). One that cannot be read
/// counts as none.
fn weight(parameters: &str) -> f32 {
    let weight = parameters.split(';').find_map(|part| part.trim().strip_prefix("q="));
    weight.and_then(|weight| weight.trim().parse().ok()).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepted(value: &'static str) -> Coding {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        Coding::accepted(&headers)
    }

    #[test]
    fn the_coding_that_a_client_likes_best_is_taken() {
        assert_eq!(accepted("gzip, deflate"), Coding::Gzip);
        assert_eq!(accepted("gzip, deflate, br"), Coding::Brotli);
        assert_eq!(accepted("br;q=0.5, gzip;q=1.0"), Coding::Gzip);
        assert_eq!(accepted("br;q=1.0, gzip;q=0.5"), Coding::Brotli);
        assert_eq!(accepted("*"), Coding::Brotli);
        assert_eq!(accepted("br;q=0, *;q=0.1"), Coding::Gzip);
    }

    #[test]
    fn what_a_client_does_not_take_is_not_sent() {
        assert_eq!(accepted("gzip;q=0"), Coding::Identity);
        assert_eq!(accepted("*;q=0"), Coding::Identity);
        assert_eq!(accepted("zstd"), Coding::Identity);
        assert_eq!(accepted("identity"), Coding::Identity);
        assert_eq!(Coding::accepted(&HeaderMap::new()), Coding::Identity);
    }
}
