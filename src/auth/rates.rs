//! Says how often somebody may ask: by key, by workspace, and by address for failed sign-ins.
//!
//! Each limit is a bucket that fills evenly up to its burst. A check is two look-ups in memory and
//! no lock that is held while waiting. Buckets that are full again are forgotten, so memory is
//! bounded by who asked lately; beyond a number of buckets, newcomers share some. The buckets are
//! those of this process: each node counts for itself.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::{Quota, RateLimiter};
use moka::sync::Cache;
use tower_governor::governor::SharedRateLimiter;
use uuid::Uuid;

use super::Principal;
use crate::config::{Rate, RatePolicy};
use crate::error::{Code, Error, Result, Standing};

/// Buckets of one limit above which newcomers share.
const MAX_BUCKETS: usize = 100_000;
/// Buckets that newcomers share then.
const SHARED_BUCKETS: u64 = 1_024;

/// Saved queries whose own limits are kept at once.
const SAVED_LIMITS: u64 = 10_000;
/// How long such a limit is kept after its last use: every bucket is full again by then.
const SAVED_IDLE: Duration = Duration::from_secs(600);

/// What a request takes a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A request, or a query's weight.
    Read,
    /// A field of a mutation.
    Write,
    /// A file.
    Upload,
    /// A file that is only looked at.
    Inspect,
}

/// All limits.
pub struct Rates {
    limits: ArcSwapOption<Limits>,
    n_refused: AtomicU64,
    /// Of saved queries that have a limit of their own.
    saved: Cache<(Uuid, String, u32), Arc<Buckets>>,
    hasher: RandomState,
}

struct Limits {
    reads: Limit,
    writes: Limit,
    uploads: Limit,
    inspections: Limit,
    failed_sign_ins: Buckets,
    cells_per_read: u64,
    hasher: RandomState,
}

/// The limit of a class: of one key, and of all keys of a workspace.
struct Limit {
    of_key: Buckets,
    of_workspace: Buckets,
}

/// A bucket for each who asks.
struct Buckets {
    limiter: SharedRateLimiter<u64, StateInformationMiddleware>,
    rate: Rate,
    /// What to say when one is empty.
    what: &'static str,
    setting: &'static str,
    is_crowded: AtomicBool,
}

impl Rates {
    /// The limits of these settings.
    pub fn new(policy: &RatePolicy) -> Rates {
        let limits = ArcSwapOption::new(Limits::new(policy).map(Arc::new));
        let saved = Cache::builder().max_capacity(SAVED_LIMITS).time_to_idle(SAVED_IDLE).build();
        Rates { limits, n_refused: AtomicU64::new(0), saved, hasher: RandomState::new() }
    }

    /// The limits of these settings from now on, of which everybody has his whole share.
    pub fn set(&self, policy: &RatePolicy) {
        self.limits.store(Limits::new(policy).map(Arc::new));
    }

    /// Takes a share of a principal's limit; tells how it stands, or nothing where nobody waits.
    ///
    /// # Errors
    /// RATE_LIMITED with how long to wait.
    pub fn charge(
        &self,
        principal: &Principal,
        class: Class,
        n_units: u32,
    ) -> Result<Option<Standing>> {
        let limits = self.limits.load();
        let (Some(limits), Some(n_units)) = (&*limits, NonZeroU32::new(n_units)) else {
            return Ok(None);
        };
        let limit = match class {
            Class::Read => &limits.reads,
            Class::Write => &limits.writes,
            Class::Upload => &limits.uploads,
            Class::Inspect => &limits.inspections,
        };
        // What weighs more than a key's whole share takes the whole.
        let n_units = n_units.min(limit.of_key.burst());
        let workspace = principal.workspace.0;
        let from = principal.address.map(network_of);
        let key = limits.hasher.hash_one((workspace, principal.key_prefix.as_str(), from));
        let own = self.counted(limit.of_key.take(key, n_units))?;
        let of_workspace = limits.hasher.hash_one(workspace);
        let shared = self.counted(limit.of_workspace.take(of_workspace, n_units))?;
        Ok(Some(if shared.remaining < own.remaining { shared } else { own }))
    }

    /// Takes what a query weighs beyond the one read that every request is; half of a key's whole
    /// share at most, which a key that is always at work has again, too.
    ///
    /// # Errors
    /// RATE_LIMITED with how long to wait.
    pub fn charge_cells(&self, principal: &Principal, n_cells: u64) -> Result<Option<Standing>> {
        let limits = self.limits.load();
        let Some(limits) = &*limits else { return Ok(None) };
        let more = u32::try_from(n_cells / limits.cells_per_read).unwrap_or(u32::MAX);
        let more = more.min(limits.reads.of_key.burst().get().div_ceil(2));
        self.charge(principal, Class::Read, more)
    }

    /// Takes a share of what each who asks has of a saved query, so many in a minute.
    ///
    /// # Errors
    /// RATE_LIMITED with how long to wait.
    pub fn charge_saved(
        &self,
        principal: &Principal,
        name: &str,
        per_minute: u32,
    ) -> Result<Standing> {
        let workspace = principal.workspace.0;
        let buckets = self.saved.get_with((workspace, name.to_owned(), per_minute), || {
            let rate = Rate::new(per_minute, 60, per_minute);
            Arc::new(Buckets::new(rate, "requests of this saved query", "its requestsPerMinute"))
        });
        let from = principal.address.map(network_of);
        let payer = self.hasher.hash_one((principal.key_prefix.as_str(), from));
        self.counted(buckets.take(payer, NonZeroU32::MIN))
    }

    /// Counts a request without a valid key. Good keys are not asked: who shares an address with
    /// somebody who guesses can still work, and a key is too long to be guessed.
    ///
    /// # Errors
    /// RATE_LIMITED when the address has had too many.
    pub fn fail(&self, address: IpAddr) -> Result<Option<Standing>> {
        let limits = self.limits.load();
        let Some(limits) = &*limits else { return Ok(None) };
        let payer = limits.hasher.hash_one(network_of(address));
        self.counted(limits.failed_sign_ins.take(payer, NonZeroU32::MIN)).map(Some)
    }

    /// How often somebody was asked to wait, since the start.
    pub fn n_refused(&self) -> u64 {
        self.n_refused.load(Ordering::Relaxed)
    }

    fn counted(&self, taken: Result<Standing>) -> Result<Standing> {
        if taken.is_err() {
            self.n_refused.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Forgets who has all of its share again; to be called every few seconds.
    pub fn sweep(&self) {
        for (_, buckets) in &self.saved {
            buckets.sweep();
        }
        let limits = self.limits.load();
        let Some(limits) = &*limits else { return };
        for limit in [&limits.reads, &limits.writes, &limits.uploads, &limits.inspections] {
            limit.of_key.sweep();
            limit.of_workspace.sweep();
        }
        limits.failed_sign_ins.sweep();
    }
}

impl Limits {
    /// None where nobody waits.
    fn new(policy: &RatePolicy) -> Option<Limits> {
        if !policy.is_on {
            return None;
        }
        let limit = |rate: Rate, what, whats, setting| Limit {
            of_key: Buckets::new(rate, what, setting),
            of_workspace: Buckets::new(rate.times(policy.workspace_keys), whats, setting),
        };
        Some(Limits {
            reads: limit(
                policy.reads,
                "requests of this key",
                "requests of this workspace",
                "rate.reads",
            ),
            writes: limit(
                policy.writes,
                "mutations of this key",
                "mutations of this workspace",
                "rate.writes",
            ),
            uploads: limit(
                policy.uploads,
                "uploads of this key",
                "uploads of this workspace",
                "rate.uploads",
            ),
            inspections: limit(
                policy.inspections,
                "inspections of this key",
                "inspections of this workspace",
                "rate.inspections",
            ),
            failed_sign_ins: Buckets::new(
                policy.failed_sign_ins,
                "requests without a valid key from this address",
                "rate.failed_sign_ins",
            ),
            cells_per_read: policy.cells_per_read.max(1),
            hasher: RandomState::new(),
        })
    }
}

/// Whole seconds, rounded up.
fn seconds(time: Duration) -> u32 {
    let rounded = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(rounded).unwrap_or(u32::MAX)
}

/// An address of version 4, or the network that one customer has of version 6.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

impl Buckets {
    fn new(rate: Rate, what: &'static str, setting: &'static str) -> Buckets {
        let burst = NonZeroU32::new(rate.burst()).unwrap_or(NonZeroU32::MIN);
        // Only an interval of zero gives no quota, and the shortest is a microsecond.
        let quota = Quota::with_period(rate.interval()).unwrap_or(Quota::per_second(burst));
        let limiter = RateLimiter::keyed(quota.allow_burst(burst));
        let limiter = Arc::new(limiter.with_middleware::<StateInformationMiddleware>());
        Buckets { limiter, rate, what, setting, is_crowded: AtomicBool::new(false) }
    }

    fn burst(&self) -> NonZeroU32 {
        NonZeroU32::new(self.rate.burst()).unwrap_or(NonZeroU32::MIN)
    }

    fn take(&self, payer: u64, n_units: NonZeroU32) -> Result<Standing> {
        let is_crowded = self.is_crowded.load(Ordering::Relaxed);
        let payer = if is_crowded { payer % SHARED_BUCKETS } else { payer };
        match self.limiter.check_key_n(&payer, n_units) {
            Ok(Ok(state)) => Ok(self.standing(state.remaining_burst_capacity(), Duration::ZERO)),
            Ok(Err(not_until)) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                let standing = self.standing(self.remaining(wait, n_units), wait);
                Err(Error { standing: Some(standing), ..self.refusal(standing.retry_after_s) })
            }
            // More than the whole: no class weighs that much.
            Err(_) => Err(self.refusal(1)),
        }
    }

    /// What is left where so many units have to wait so long.
    fn remaining(&self, wait: Duration, n_units: NonZeroU32) -> u32 {
        let missing = wait.as_nanos().div_ceil(self.rate.interval().as_nanos().max(1));
        let missing = u32::try_from(missing).unwrap_or(u32::MAX).max(1);
        n_units.get().saturating_sub(missing)
    }

    fn standing(&self, remaining: u32, wait: Duration) -> Standing {
        let limit = self.rate.burst();
        let until_full = self.rate.interval().saturating_mul(limit.saturating_sub(remaining));
        let retry_after_s = if wait.is_zero() { 0 } else { seconds(wait).max(1) };
        Standing { limit, remaining, reset_s: seconds(until_full), retry_after_s }
    }

    fn refusal(&self, retry_after_s: u32) -> Error {
        let (what, rate, setting) = (self.what, self.rate, self.setting);
        let message: Cow<'static, str> = format!(
            "Too many {what}: {rate} are allowed. Try again in {retry_after_s} s, or ask the operator to raise {setting}."
        )
        .into();
        Error::new(Code::RateLimited, message)
    }

    fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        self.is_crowded.store(self.limiter.len() > MAX_BUCKETS, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

    use std::time::Instant;

    use uuid::Uuid;

    use super::*;
    use crate::catalog::model::{Scope, WorkspaceId};

    fn policy() -> RatePolicy {
        RatePolicy {
            reads: Rate::new(1, 3_600, 5),
            writes: Rate::new(2, 3_600, 2),
            workspace_keys: 2,
            ..RatePolicy::default()
        }
    }

    fn key(workspace: u128, prefix: &str) -> Principal {
        let workspace = WorkspaceId(Uuid::from_u128(workspace));
        Principal::new(workspace, Scope::Read, prefix)
    }

    fn standing(outcome: Result<Option<Standing>>) -> (bool, Standing) {
        match outcome {
            Ok(standing) => (true, standing.unwrap()),
            Err(error) => {
                assert_eq!(error.code, Code::RateLimited);
                (false, error.standing.unwrap())
            }
        }
    }

    #[test]
    fn a_key_has_its_share_and_a_workspace_that_of_several() {
        let rates = Rates::new(&policy());
        let one = key(1, "a");
        for left in (0..5).rev() {
            let (is_allowed, now) = standing(rates.charge(&one, Class::Read, 1));
            assert_eq!((is_allowed, now.limit, now.remaining), (true, 5, left));
            assert_eq!(now.retry_after_s, 0);
        }
        let (is_allowed, now) = standing(rates.charge(&one, Class::Read, 1));
        assert_eq!((is_allowed, now.remaining), (false, 0));
        assert!((3_599..=3_600).contains(&now.retry_after_s), "{now:?}");
        assert!((5 * 3_599..=5 * 3_600).contains(&now.reset_s), "{now:?}");
        assert!(rates.charge(&one, Class::Write, 1).is_ok(), "another class");
        // Twice a key's share is the workspace's: two keys have it, the third has none.
        for _ in 0..5 {
            assert!(rates.charge(&key(1, "b"), Class::Read, 1).is_ok());
        }
        let (is_allowed, now) = standing(rates.charge(&key(1, "c"), Class::Read, 1));
        assert_eq!((is_allowed, now.limit), (false, 10));
        assert!(rates.charge(&key(2, "a"), Class::Read, 1).is_ok(), "another workspace");
    }

    #[test]
    fn what_weighs_more_takes_more_and_never_more_than_all() {
        let rates = Rates::new(&policy());
        let one = key(1, "a");
        assert!(rates.charge_cells(&one, 9_999).unwrap().is_none());
        let (_, now) = standing(rates.charge_cells(&one, 20_000));
        assert_eq!(now.remaining, 3);
        // Half of the whole at most.
        let (is_allowed, now) = standing(rates.charge_cells(&one, 90_000));
        assert_eq!((is_allowed, now.remaining), (true, 0));
        assert!(!standing(rates.charge_cells(&one, 20_000)).0);
        assert!(rates.charge(&key(1, "b"), Class::Read, 1_000).is_ok());
        assert!(rates.charge(&key(1, "b"), Class::Read, 1).is_err());
    }

    #[test]
    fn an_address_is_one_customer() {
        let rates = Rates::new(&RatePolicy {
            failed_sign_ins: Rate::new(1, 3_600, 1),
            ..RatePolicy::default()
        });
        let fails = |address: &str| rates.fail(address.parse().unwrap()).is_err();
        assert!(!fails("203.0.113.1"));
        assert!(fails("203.0.113.1"));
        assert!(fails("::ffff:203.0.113.1"));
        assert!(!fails("203.0.113.2"));
        assert!(!fails("2001:db8:0:1::1"));
        assert!(fails("2001:db8:0:1:ffff::2"));
        assert!(!fails("2001:db8:0:2::1"));
    }

    #[test]
    fn off_means_off() {
        let rates = Rates::new(&RatePolicy { is_on: false, ..policy() });
        for _ in 0..100 {
            assert_eq!(rates.charge(&key(1, "a"), Class::Write, 1).unwrap(), None);
        }
        rates.sweep();
    }

    #[test]
    fn memory_is_bounded() {
        let rates = Rates::new(&RatePolicy::default());
        let limits = rates.limits.load_full().unwrap();
        let guess = |n: u128| {
            let _ = rates.fail(IpAddr::V6((n << 64).into()));
        };
        (0..MAX_BUCKETS as u128 + 10).for_each(guess);
        rates.sweep();
        let n_buckets = limits.failed_sign_ins.limiter.len();
        assert!(n_buckets > MAX_BUCKETS, "none of them is full again yet");
        (0..MAX_BUCKETS as u128).for_each(|n| guess(n + (1 << 32)));
        let n_more = limits.failed_sign_ins.limiter.len() - n_buckets;
        assert!(n_more as u64 <= SHARED_BUCKETS, "{n_more}");
        // What is full again goes.
        let quick = Rates::new(&RatePolicy {
            failed_sign_ins: Rate::new(1_000_000, 1, 1),
            ..RatePolicy::default()
        });
        for n in 0..100 {
            let _ = quick.fail(IpAddr::V6((n << 64).into()));
        }
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(5) {}
        quick.sweep();
        assert!(quick.limits.load_full().unwrap().failed_sign_ins.limiter.is_empty());
    }

    #[test]
    fn a_check_costs_little() {
        let rates = Rates::new(&RatePolicy {
            reads: Rate::new(1_000_000, 1, 1_000_000),
            ..RatePolicy::default()
        });
        let one = key(1, "slu_abcdefgh");
        const TIMES: u32 = 200_000;
        let began = Instant::now();
        for _ in 0..TIMES {
            let _ = rates.charge(&one, Class::Read, 1);
        }
        let each = began.elapsed() / TIMES;
        println!("{each:?} for each check");
        // Even in a debug build on a busy machine.
        assert!(each < Duration::from_micros(20), "{each:?}");
    }
}
