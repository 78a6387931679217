//! What is lifted, compared with what `serde_json` and `base64` make of the same document.

mod oracle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pakhus_core::{LiftRule, PathStep, ReceiveDocument, Refusal, RefusalKind};
use proptest::prelude::*;

use self::oracle::{Tree, written};
use super::*;

/// As npm's publish document has it.
fn rules() -> ReceiveDocument {
    let path = vec![
        PathStep::Member("_attachments"),
        PathStep::MemberEndingIn(".tgz"),
        PathStep::Member("data"),
    ];
    ReceiveDocument {
        max_document: 1 << 20,
        max_blob: 1 << 20,
        max_blobs: 100,
        lift: LiftRule { path },
    }
}

type Blob = (Vec<String>, Vec<u8>);

/// Feeds `text` cut at `cuts`, and puts the pieces together.
fn lift_cut(
    rules: ReceiveDocument,
    text: &[u8],
    cuts: &[usize],
) -> Result<(Bytes, Vec<Blob>), LiftError> {
    let mut lifter = Lifter::new(rules);
    let mut blobs: Vec<Blob> = Vec::new();
    let mut open = false;
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    for pair in cuts.windows(2) {
        lifter.feed(&text[pair[0]..pair[1]], &mut |event| match event {
            Event::BlobStart { path } => {
                assert!(!open, "one at a time");
                open = true;
                blobs.push((path, Vec::new()));
            }
            Event::BlobBytes(bytes) => {
                assert!(open && !bytes.is_empty(), "bytes are of a blob");
                blobs.last_mut().expect("it was pushed").1.extend_from_slice(&bytes);
            }
            Event::BlobEnd => {
                assert!(open, "each ends once");
                open = false;
            }
        })?;
    }
    let document = lifter.finish()?;
    assert!(!open, "a finished document has no open blob");
    Ok((document, blobs))
}

fn lift(text: &str) -> Result<(Bytes, Vec<Blob>), LiftError> {
    lift_cut(rules(), text.as_bytes(), &[])
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn a_publish_document_gives_its_tarball_and_keeps_the_rest() {
    let text = r#"{"name":"left-pad","_attachments":{"left-pad-1.0.0.tgz":{"length":5,
        "data":"aGVsbG8=","content_type":"a/b"}},"versions":{"1.0.0":{"data":"aGVsbG8="}}}"#;
    let (document, blobs) = lift(text).expect("lift");
    assert_eq!(document, text.replacen("aGVsbG8=", "", 1));
    let path = names(&["_attachments", "left-pad-1.0.0.tgz", "data"]);
    assert_eq!(blobs, [(path, b"hello".to_vec())]);
}

#[test]
fn only_strings_at_the_path_are_lifted() {
    for text in [
        r#"{"_attachments":{"x.zip":{"data":"AAAA"}}}"#,
        r#"{"_attachments":{"x.tgz":{"date":"AAAA"}}}"#,
        r#"{"_attachments":{"x.tgz":"AAAA"}}"#,
        r#"{"_attachments":"AAAA"}"#,
        r#""AAAA""#,
        r#"{"_attachments":{"x.tgz":{"data":{"data":"AAAA"}}}}"#,
        r#"{"_attachments":{"x.tgz":{"data":["AAAA"]}}}"#,
        r#"{"_attachments":{"x.tgz":{"data":17,"x":"AAAA"}}}"#,
        r#"{"_attachments":{"x.tgz":[{"data":"AAAA"}]}}"#,
        r#"[{"_attachments":{"x.tgz":{"data":"AAAA"}}}]"#,
        r#"{"a":{"_attachments":{"x.tgz":{"data":"AAAA"}}}}"#,
        r#"{"a":"_attachments","b":{"x.tgz":{"data":"AAAA"}}}"#,
        r#"{"a":"\"_attachments\":{","x.tgz":{"data":"AAAA"}}"#,
        r#"{"_attachments":{},"x.tgz":{"data":"AAAA"}}"#,
        r#"{"_attachments\\":{"x.tgz":{"data":"AAAA"}}}"#,
        r#"{"_attachments":[],"x":{"x.tgz":{"data":"AAAA"}}}"#,
    ] {
        let (document, blobs) = lift(text).expect("lift");
        assert_eq!(document, text);
        assert_eq!(blobs, [], "{text}");
    }
}

#[test]
fn names_are_compared_as_they_mean_and_not_as_they_are_written() {
    let text = r#"{"\u005fattachm\u0065nts":{"\ud83d\udce6\".tgz":{"d\u0061ta":"aGVsbG8="}}}"#;
    let (_, blobs) = lift(text).expect("lift");
    let path = names(&["_attachments", "\u{1f4e6}\".tgz", "data"]);
    assert_eq!(blobs, [(path, b"hello".to_vec())]);
}

#[test]
fn a_member_that_comes_twice_is_lifted_twice() {
    let text = r#"{"_attachments":{"x.tgz":{"data":"AAAA","data":"","data":"////"}},
        "_attachments":{"x.tgz":{"data":"AAAB"},"y.tgz":{"data":"\/\/\/\/"}}}"#;
    let (_, blobs) = lift(text).expect("lift");
    let bytes: Vec<_> = blobs.iter().map(|(_, bytes)| bytes.clone()).collect();
    assert_eq!(bytes, [vec![0, 0, 0], vec![], vec![255; 3], vec![0, 0, 1], vec![255; 3]]);
    assert_eq!(blobs[4].0, names(&["_attachments", "y.tgz", "data"]));
}

#[test]
fn long_strings_come_in_blocks() {
    let bytes: Vec<u8> = (0..1_000_003_u32).map(|at| at.to_le_bytes()[at as usize % 3]).collect();
    let text =
        format!(r#"{{"_attachments":{{"x.tgz":{{"data":"{}"}}}}}}"#, STANDARD.encode(&bytes));
    let mut lifter = Lifter::new(rules());
    let mut blob = Vec::new();
    for piece in text.as_bytes().chunks(10_001) {
        let mut pieces = 0;
        lifter
            .feed(piece, &mut |event| {
                if let Event::BlobBytes(bytes) = event {
                    assert!(bytes.len() <= 2 * BLOCK);
                    blob.extend_from_slice(&bytes);
                    pieces += 1;
                }
            })
            .expect("feed");
        assert!(pieces <= 1);
    }
    assert!(blob == bytes);
}

#[test]
fn what_is_not_base64_is_refused_where_it_stands() {
    let start = r#"{"_attachments":{"x.tgz":{"data":""#;
    for (data, at) in [
        ("AAAA%AAA", 4),
        ("AAAAAAA-", 7),
        ("AAAA AAAA", 4),
        ("AAAA\\nAAAA", 5),
        ("AAAA\\u002fAAA", 5),
        ("AAAA\\\"AAA", 5),
        ("AAA", 3),
        ("AA=", 3),
        ("AAAA=", 5),
        ("AA==AAAA", 2),
        ("AB==", 1),
        ("AAAAé", 6),
    ] {
        let text = format!(r#"{start}{data}"}}}}}}"#);
        let at = at + start.len() as u64;
        match lift(&text) {
            Err(LiftError::NotBase64 { path, at: told, .. }) => {
                assert_eq!(path, "_attachments/x.tgz/data");
                assert!(told.abs_diff(at) <= 3, "{data}: {told}, not {at}");
            }
            other => panic!("{data}: {other:?}"),
        }
        // The same when every byte comes alone.
        let cuts: Vec<usize> = (0..text.len()).collect();
        let error = lift_cut(rules(), text.as_bytes(), &cuts);
        assert!(matches!(error, Err(LiftError::NotBase64 { .. })), "{data}: {error:?}");
    }
}

#[test]
fn errors_are_sentences() {
    let text = r#"{"_attachments":{"x.tgz":{"data":"AAAA\n"}}}"#;
    let refusal = Refusal::from(lift(text).expect_err("an escape"));
    assert_eq!(refusal.kind, RefusalKind::Invalid);
    assert_eq!(
        refusal.message,
        "`_attachments/x.tgz/data` is not base64: there is an escape other than `\\/` at byte 39 of \
         the body"
    );
    let rules = ReceiveDocument { max_blob: 2, ..rules() };
    let text = r#"{"_attachments":{"x.tgz":{"data":"AAAA"}}}"#;
    let refusal = Refusal::from(lift_cut(rules, text.as_bytes(), &[]).expect_err("too large"));
    assert_eq!(refusal.kind, RefusalKind::TooLarge);
    assert_eq!(refusal.message, "`_attachments/x.tgz/data` is larger than 2 bytes");
}

#[test]
fn limits_hold_and_what_is_within_them_is_taken() {
    let text = r#"{"_attachments":{"x.tgz":{"data":"AAAA"},"y.tgz":{"data":"AAAAAA=="}}}"#;
    let kept = text.len() - "AAAAAAAAAA==".len();
    let with = |max_document, max_blob, max_blobs| {
        let rules = ReceiveDocument { max_document, max_blob, max_blobs, ..rules() };
        lift_cut(rules, text.as_bytes(), &[]).map(|(_, blobs)| blobs.len())
    };
    assert_eq!(with(kept, 4, 2), Ok(2));
    assert_eq!(with(kept - 1, 4, 2), Err(LiftError::DocumentTooLarge { limit: kept - 1 }));
    let path = "_attachments/y.tgz/data".to_owned();
    assert_eq!(with(kept, 3, 2), Err(LiftError::BlobTooLarge { path, limit: 3 }));
    assert_eq!(with(kept, 4, 1), Err(LiftError::TooManyBlobs { limit: 1 }));

    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(lift(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(lift(&nested(MAX_DEPTH + 1)), Err(LiftError::TooDeep));

    let named = |length| format!(r#"{{"{}":1}}"#, "n".repeat(length));
    assert!(lift(&named(MAX_NAME)).is_ok());
    assert_eq!(lift(&named(MAX_NAME + 1)), Err(LiftError::NameTooLong));
    // Names that lead nowhere are not looked at.
    assert!(lift(&format!(r#"{{"a":{}}}"#, named(MAX_NAME + 1))).is_ok());
}

#[test]
fn a_body_that_ends_early_is_refused() {
    let text = r#"{"_attachments":{"x.tgz":{"data":"AAAA"}}}"#;
    for end in 1..text.len() {
        assert_eq!(lift(&text[..end]).map(|_| ()), Err(LiftError::Incomplete), "{end}");
    }
}

#[test]
fn brackets_that_do_not_match_are_refused() {
    for (text, at) in [("}", 0), ("[]]", 2), ("{]", 1), ("[[}", 2), (r#"{"a":[}"#, 6)] {
        assert_eq!(lift(text).map(|_| ()), Err(LiftError::Unbalanced { at }), "{text}");
    }
}

#[test]
fn quotes_and_backslashes_are_found_wherever_they_are() {
    for length in [0, 1, 63, 64, 65, 127, 128, 200] {
        let mut bytes = vec![b'a'; length];
        assert_eq!(find_quote_or_backslash(&bytes), None);
        for at in 0..length {
            for special in [b'"', b'\\'] {
                bytes[at] = special;
                assert_eq!(find_quote_or_backslash(&bytes), Some(at));
            }
            bytes[at] = b'a';
        }
    }
}

/// Compares with `serde_json`; the lifter may refuse what `serde_json` takes only where it says so.
fn agrees_with_serde_json(text: &[u8], cuts: &[usize]) -> Result<(), TestCaseError> {
    let lifted = lift_cut(rules(), text, cuts);
    let Ok(mut tree) = serde_json::from_slice::<Tree>(text) else {
        // Then the caller finds out when it parses what is left.
        if let Ok((document, _)) = lifted {
            prop_assert!(serde_json::from_slice::<Tree>(&document).is_err());
        }
        return Ok(());
    };
    let mut expected = Vec::new();
    tree.take_out(&rules().lift.path, &mut Vec::new(), &mut expected);
    let decoded: Option<Vec<Blob>> = expected
        .into_iter()
        .map(|(path, text)| Some((path, STANDARD.decode(text).ok()?)))
        .collect();
    match (lifted, decoded) {
        (Ok((document, blobs)), Some(decoded)) => {
            prop_assert_eq!(blobs, decoded);
            let left: Tree = serde_json::from_slice(&document).expect("it is still JSON");
            prop_assert_eq!(left, tree);
        }
        (Err(LiftError::NotBase64 { .. }), None) => {}
        (Err(LiftError::NotBase64 { what, .. }), Some(_)) => {
            prop_assert!(what.contains("escape"), "{}", what);
        }
        (lifted, decoded) => prop_assert!(false, "{lifted:?} is not {decoded:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_lifted_is_what_serde_json_finds(
        text in written(),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        agrees_with_serde_json(text.as_bytes(), &cuts)?;
        if text.len() < 2000 {
            agrees_with_serde_json(text.as_bytes(), &(0..text.len()).collect::<Vec<_>>())?;
        }
    }

    #[test]
    fn a_damaged_document_fools_nobody(
        text in written().prop_filter("small, so that damage is seen", |text| text.len() < 2000),
        damage in prop::collection::vec((any::<usize>(), prop::sample::select(b"{}[]\",:\\/= a".to_vec())), 1..4),
        cuts in prop::collection::vec(any::<usize>(), 0..10),
    ) {
        let mut text = text.into_bytes();
        for (at, byte) in damage {
            let at = at % text.len();
            text[at] = byte;
        }
        agrees_with_serde_json(&text, &cuts)?;
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            prop::collection::vec(prop::sample::select(b"{}[]\",:\\/=A \xff".to_vec()), 0..300),
        ],
        cuts in prop::collection::vec(any::<usize>(), 0..10),
    ) {
        let _ = lift_cut(rules(), &bytes, &cuts);
        // Also where it matters most.
        let text = [br#"{"_attachments":{"x.tgz":{"data":"#, &bytes[..]].concat();
        let _ = lift_cut(rules(), &text, &cuts);
    }
}
