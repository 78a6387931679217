//! Which of two states of a key stands.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::state::{Standing, State};

/// Who wins where two contents were published under one identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergePolicy {
    /// The greater state, the same at every site.
    Converge,
    /// The source, where this site only follows it: a replica shows what its source shows.
    SourceWins,
}

/// What becomes of a key when a state of it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// Both are the same state.
    Same,
    /// The state that was here stands.
    KeepLocal,
    /// The state that arrived stands; what was here is kept aside for the reason given, if any.
    TakeRemote(Option<Kept>),
}

/// Why a content that stood here no longer does and is kept aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Another content was published under the same identity at another site, and that one stands.
    Conflict,
    /// It was deleted or replaced at another site.
    Trash,
}

/// Merges the state that arrived with the one that is here.
#[must_use]
pub fn merge(local: Option<&State>, remote: &State, policy: MergePolicy) -> Merged {
    let Some(local) = local else { return Merged::TakeRemote(None) };
    let conflict = contents_conflict(local, remote);
    let remote_stands = match local.cmp_to(remote) {
        Ordering::Equal => return Merged::Same,
        Ordering::Less => true,
        Ordering::Greater => policy == MergePolicy::SourceWins && contents_compete(local, remote),
    };
    if !remote_stands {
        return Merged::KeepLocal;
    }
    Merged::TakeRemote(if conflict {
        Some(Kept::Conflict)
    } else if is_replaced(local, remote) {
        Some(Kept::Trash)
    } else {
        None
    })
}

/// Two contents at one incarnation: nobody who published one had seen the other.
#[must_use]
pub(super) fn contents_compete(local: &State, remote: &State) -> bool {
    local.content().is_some() && remote.content().is_some() && local.counter() == remote.counter()
}

/// Two that are not the same bytes.
fn contents_conflict(local: &State, remote: &State) -> bool {
    let digest = |state: &State| state.content().map(super::state::Content::digest);
    contents_compete(local, remote) && digest(local) != digest(remote)
}

/// Whether taking `remote` removes a content that `remote` does not have.
fn is_replaced(local: &State, remote: &State) -> bool {
    match (local.content(), remote) {
        (Some(content), State::Version(remote)) => match &remote.standing {
            Standing::Deleted { .. } => true,
            Standing::Content(other) => content.digest() != other.digest(),
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::state::{Content, CountState, RegisterState, VersionState};
    use super::*;
    use crate::{Metadata, Timestamp};

    fn metadata(value: u8) -> Metadata {
        Metadata::from_value(&value).expect("a number is JSON")
    }

    fn version_states() -> impl Strategy<Value = State> {
        (1..3_u64, any::<bool>(), 0..2_i64, 0..3_u8, "[ab]").prop_map(
            |(incarnation, deleted, at, value, origin)| {
                let at = Timestamp::from_millis(at);
                let standing = if deleted {
                    Standing::Deleted { at }
                } else {
                    Standing::Content(Content {
                        name: "a".to_owned(),
                        version: "1.0.0".to_owned(),
                        published_at: Some(at),
                        origin,
                        blobs: Vec::new(),
                        metadata: metadata(value),
                    })
                };
                State::Version(VersionState { incarnation, standing })
            },
        )
    }

    fn register_states() -> impl Strategy<Value = State> {
        (1..3_u64, proptest::option::of(0..3_u8), 0..2_i64, "[ab]").prop_map(
            |(counter, value, at, origin)| {
                State::Register(RegisterState {
                    counter,
                    value: value.map(metadata),
                    at: Timestamp::from_millis(at),
                    origin,
                })
            },
        )
    }

    fn three() -> impl Strategy<Value = (State, State, State)> {
        let counts = (0..3_u64, 0..2_u64).prop_map(|(count, day)| {
            let days = [("2026-11-24".to_owned(), day)].into();
            State::Count(CountState { count, days })
        });
        prop_oneof![
            (version_states(), version_states(), version_states()),
            (register_states(), register_states(), register_states()),
            (counts.clone(), counts.clone(), counts),
        ]
    }

    fn join(a: &State, b: &State) -> State {
        match merge(Some(a), b, MergePolicy::Converge) {
            Merged::TakeRemote(_) => b.clone(),
            Merged::Same | Merged::KeepLocal => a.clone(),
        }
    }

    proptest! {
        #[test]
        fn merging_is_commutative_associative_and_idempotent((a, b, c) in three()) {
            prop_assert_eq!(join(&a, &b), join(&b, &a));
            prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
            prop_assert_eq!(join(&a, &a), a);
        }

        #[test]
        fn states_have_equal_digests_only_when_equal((a, b, _) in three()) {
            prop_assert_eq!(a.digest() == b.digest(), a == b);
            prop_assert_eq!(a.cmp_to(&b) == Ordering::Equal, a == b);
        }

        #[test]
        fn a_merge_never_moves_a_state_down((a, b, _) in three()) {
            prop_assert_ne!(join(&a, &b).cmp_to(&a), Ordering::Less);
        }
    }

    fn content(incarnation: u64, at: i64, value: u8) -> State {
        State::Version(VersionState {
            incarnation,
            standing: Standing::Content(Content {
                name: "a".to_owned(),
                version: "1.0.0".to_owned(),
                published_at: Some(Timestamp::from_millis(at)),
                origin: "la".to_owned(),
                blobs: Vec::new(),
                metadata: metadata(value),
            }),
        })
    }

    fn deleted(incarnation: u64) -> State {
        let standing = Standing::Deleted { at: Timestamp::EPOCH };
        State::Version(VersionState { incarnation, standing })
    }

    #[test]
    fn a_delete_beats_what_stands_under_its_identity_wherever_it_was_uploaded() {
        assert_eq!(
            merge(Some(&content(1, 5, 1)), &deleted(1), MergePolicy::Converge),
            Merged::TakeRemote(Some(Kept::Trash))
        );
    }

    #[test]
    fn a_publish_after_a_seen_delete_beats_the_delete() {
        assert_eq!(
            merge(Some(&content(2, 5, 1)), &deleted(1), MergePolicy::Converge),
            Merged::KeepLocal
        );
    }

    #[test]
    fn of_two_contents_the_earlier_published_stands_and_the_other_is_kept() {
        let (early, late) = (content(1, 1, 1), content(1, 2, 2));
        assert_eq!(
            merge(Some(&late), &early, MergePolicy::Converge),
            Merged::TakeRemote(Some(Kept::Conflict))
        );
        assert_eq!(merge(Some(&early), &late, MergePolicy::Converge), Merged::KeepLocal);
    }

    #[test]
    fn where_the_source_wins_its_later_content_stands_too() {
        assert_eq!(
            merge(Some(&content(1, 1, 1)), &content(1, 2, 2), MergePolicy::SourceWins),
            Merged::TakeRemote(Some(Kept::Conflict))
        );
        assert_eq!(
            merge(Some(&deleted(1)), &content(1, 2, 2), MergePolicy::SourceWins),
            Merged::KeepLocal
        );
    }
}
