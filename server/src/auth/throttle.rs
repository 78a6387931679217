//! How often somebody may try passwords.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts wrong passwords by user name and by address. It forgets after a minute, and remembers a bounded
/// number of them.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<Subject, Tries>>);

/// Who tries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Subject {
    /// A name from one address. Few tries: it is somebody at a keyboard.
    Both(String, IpAddr),
    /// A name, from wherever. Many, so that a stranger cannot lock a user out by a few.
    Name(String),
    /// An address, with whatever names.
    Address(IpAddr),
}

#[derive(Debug)]
struct Tries {
    count: u32,
    until: Instant,
}

/// How long tries count.
const WINDOW: Duration = Duration::from_secs(60);
/// The most that is remembered.
const MOST_SUBJECTS: usize = 20_000;

impl Subject {
    const fn limit(&self) -> u32 {
        match self {
            Self::Both(..) => 5,
            Self::Name(_) => 50,
            Self::Address(_) => 30,
        }
    }

    fn all(name: &str, address: IpAddr) -> [Self; 3] {
        let address = site(address);
        [Self::Both(name.to_owned(), address), Self::Name(name.to_owned()), Self::Address(address)]
    }
}

/// The part of an address that one customer has: of IPv6 the first 64 bits (RFC 6177).
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

impl Throttle {
    /// Counts a try, before it is known to be wrong: many at once must not all pass.
    ///
    /// # Errors
    /// The seconds to wait when there were too many.
    pub(crate) fn begin(&self, name: &str, address: IpAddr, now: Instant) -> Result<(), u32> {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let subjects = Subject::all(name, address);
        let wait = subjects.iter().filter_map(|subject| {
            let tries = tries.get(subject).filter(|tries| now < tries.until)?;
            (tries.count >= subject.limit()).then(|| tries.until - now)
        });
        if let Some(wait) = wait.max() {
            return Err(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1));
        }
        for subject in subjects {
            make_room(&mut tries, now);
            let new = Tries { count: 0, until: now + WINDOW };
            let known = tries.entry(subject).or_insert(new);
            if known.until <= now {
                *known = Tries { count: 0, until: now + WINDOW };
            }
            known.count += 1;
        }
        Ok(())
    }

    /// Takes a try back that was right.
    pub(crate) fn succeeded(&self, name: &str, address: IpAddr) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for subject in Subject::all(name, address) {
            if let Subject::Both(..) = subject {
                tries.remove(&subject);
            } else if let Some(known) = tries.get_mut(&subject) {
                known.count = known.count.saturating_sub(1);
            }
        }
    }
}

/// Forgets what is over, and of the rest the older half, so that the next of it has room for long: to look
/// for room at each try would be slow.
fn make_room(tries: &mut HashMap<Subject, Tries>, now: Instant) {
    if tries.len() < MOST_SUBJECTS {
        return;
    }
    tries.retain(|_, tries| now < tries.until);
    if tries.len() < MOST_SUBJECTS / 2 {
        return;
    }
    let mut ends: Vec<_> = tries.values().map(|tries| tries.until).collect();
    let middle = ends.len() / 2;
    let (_, middle, _) = ends.select_nth_unstable(middle);
    let middle = *middle;
    // Of those that end together as many as it takes.
    let mut too_many = tries.len() - MOST_SUBJECTS / 2;
    tries.retain(|_, tries| {
        let goes = tries.until <= middle && too_many > 0;
        too_many -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    fn tries(throttle: &Throttle, name: &str, address: IpAddr, count: usize, now: Instant) {
        for _ in 0..count {
            throttle.begin(name, address, now).expect("not yet too many");
        }
    }

    #[test]
    fn a_name_at_an_address_waits_after_a_few_tries_and_others_do_not() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        tries(&throttle, "alice", HOME, 5, now);
        assert_eq!(throttle.begin("alice", HOME, now), Err(61));
        assert_eq!(throttle.begin("alice", HOME, now + Duration::from_secs(50)), Err(11));
        throttle.begin("alice", AWAY, now).expect("another address");
        throttle.begin("bob", HOME, now).expect("another name");
        throttle.begin("alice", HOME, now + WINDOW).expect("a minute later");
    }

    #[test]
    fn what_was_right_does_not_count() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..200 {
            throttle.begin("alice", HOME, now).expect("never too many");
            throttle.succeeded("alice", HOME);
        }
    }

    #[test]
    fn an_address_waits_whatever_names_it_tries_and_ipv6_counts_by_its_site() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..30 {
            let address: IpAddr = format!("2001:db8::{number}").parse().expect("an address");
            throttle.begin(&format!("user{number}"), address, now).expect("not yet too many");
        }
        let another = "2001:db8::ffff".parse().expect("an address");
        assert!(throttle.begin("alice", another, now).is_err());
    }

    #[test]
    fn a_name_waits_when_it_is_tried_from_very_many_addresses() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..50 {
            throttle.begin("alice", IpAddr::V4([10, 0, 0, number].into()), now).expect("not yet");
        }
        assert!(throttle.begin("alice", HOME, now).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..30_000_u32 {
            let address = IpAddr::V4(number.into());
            let _ = throttle.begin(&format!("user{number}"), address, now);
        }
        let held = throttle.0.lock().expect("held by nobody").len();
        assert!(held <= MOST_SUBJECTS, "{held}");
    }
}
