//! Shares the permits to use a connection among the projects.
//!
//! A free permit goes to the waiting project that holds the fewest. So a project that is alone may hold all permits,
//! and when others wait, each gets the next permits until all hold the same number. A few reserved permits are only for
//! projects that hold none, so that these need not wait for the long statements of a project that holds all others.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::oneshot::{self, Receiver, Sender};

use crate::domain::project::ProjectId;

/// Who holds a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Holder {
    /// The emulator itself, or a request whose project is not known yet.
    Emulator,
    /// The statements that answer the requests of all projects.
    Batches,
    Project(ProjectId),
}

/// The permits of a pool, and those who wait for them.
#[derive(Debug)]
pub(super) struct ConnectionShares {
    state: Mutex<State>,
    all_released: Notify,
}

#[derive(Debug)]
struct State {
    permits: usize,
    /// Further permits for holders that hold none.
    reserved: usize,
    in_use: usize,
    /// Those who hold permits or wait for them.
    holders: HashMap<Holder, Share>,
    /// Numbers the waiting calls, so that the oldest is found.
    next_number: u64,
    is_closed: bool,
}

#[derive(Debug, Default)]
struct Share {
    held: usize,
    waiting: VecDeque<(u64, Sender<Permit>)>,
}

/// The right to use one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    holder: Holder,
    /// `None` after the permit was taken back from a call that no longer waits.
    shares: Option<Arc<ConnectionShares>>,
}

/// The pool is closed.
#[derive(Debug)]
pub(super) struct Closed;

impl ConnectionShares {
    pub fn new(permits: usize, reserved: usize) -> Arc<Self> {
        let state = State { permits, reserved, in_use: 0, holders: HashMap::new(), next_number: 0, is_closed: false };
        Arc::new(Self { state: Mutex::new(state), all_released: Notify::new() })
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// Returns an error after [`ConnectionShares::close`] was called.
    pub async fn acquire(self: &Arc<Self>, holder: Holder) -> Result<Permit, Closed> {
        let granted = self.request(holder)?;
        granted.await.map_err(|_| Closed)
    }

    /// Requests a permit. The receiver has it at once if there is one.
    fn request(self: &Arc<Self>, holder: Holder) -> Result<Receiver<Permit>, Closed> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(Closed);
        }
        let (sender, receiver) = oneshot::channel();
        let number = state.next_number;
        state.next_number += 1;
        state.holders.entry(holder).or_default().waiting.push_back((number, sender));
        self.grant(&mut state);
        Ok(receiver)
    }

    /// Grants permits to waiting calls, as long as there are permits for them.
    fn grant(self: &Arc<Self>, state: &mut State) {
        // Calls that have given up are removed here, and each holder that waits has at least one call afterwards.
        while let Some(holder) = state.next_holder() {
            let Some(share) = state.holders.get_mut(&holder) else { return };
            let Some((_, sender)) = share.waiting.pop_front() else { return };
            if sender.send(Permit { holder, shares: Some(Arc::clone(self)) }).map_err(Permit::take_back).is_ok() {
                share.held += 1;
                state.in_use += 1;
            }
            state.forget_if_unused(holder);
        }
    }

    fn release(self: &Arc<Self>, holder: Holder) {
        let mut state = self.lock();
        state.in_use = state.in_use.saturating_sub(1);
        if let Some(share) = state.holders.get_mut(&holder) {
            share.held = share.held.saturating_sub(1);
        }
        state.forget_if_unused(holder);
        self.grant(&mut state);
        if state.in_use == 0 {
            self.all_released.notify_waiters();
        }
    }

    /// Rejects further calls, and waits until all permits are released, also those of calls that already wait.
    pub async fn close(&self) {
        loop {
            // Register interest before reading the state, so that a release in between still wakes this call.
            let mut released = std::pin::pin!(self.all_released.notified());
            released.as_mut().enable();
            {
                let mut state = self.lock();
                state.is_closed = true;
                if state.in_use == 0 {
                    return;
                }
            }
            released.await;
        }
    }

    /// Returns how many permits are in use, how many calls wait for one, and how many permits there are.
    pub fn usage(&self) -> (usize, usize, usize) {
        let state = self.lock();
        // A call that has given up is removed from the queue only later.
        let is_waiting = |(_, sender): &&(u64, Sender<Permit>)| !sender.is_closed();
        let waiting = state.holders.values().map(|share| share.waiting.iter().filter(is_waiting).count()).sum();
        (state.in_use, waiting, state.permits + state.reserved)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the waiting holder that gets the next permit: the one that holds the fewest, and among these the one that
    /// has waited longest. Returns `None` if there is no permit for it.
    fn next_holder(&self) -> Option<Holder> {
        if self.in_use >= self.permits + self.reserved {
            return None;
        }
        let waiting = self.holders.iter().filter_map(|(holder, share)| {
            let (number, _) = share.waiting.front()?;
            Some((share.held, *number, *holder))
        });
        let (held, _, holder) = waiting.min_by_key(|&(held, number, _)| (held, number))?;
        (self.in_use < self.permits || held == 0).then_some(holder)
    }

    fn forget_if_unused(&mut self, holder: Holder) {
        if self.holders.get(&holder).is_some_and(|share| share.held == 0 && share.waiting.is_empty()) {
            self.holders.remove(&holder);
        }
    }
}

impl Permit {
    /// Drops a permit that was not counted yet.
    fn take_back(mut self) {
        self.shares = None;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(shares) = self.shares.take() {
            shares.release(self.holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Holder = Holder::Project(ProjectId(1));
    const OTHER: Holder = Holder::Project(ProjectId(2));

    fn now(shares: &Arc<ConnectionShares>, holder: Holder) -> Option<Permit> {
        shares.request(holder).unwrap().try_recv().ok()
    }

    #[test]
    fn a_project_alone_gets_all_permits_and_another_one_a_reserved_permit() {
        let shares = ConnectionShares::new(2, 1);
        let held = [now(&shares, ONE), now(&shares, ONE)];
        assert!(held.iter().all(Option::is_some));
        assert!(now(&shares, ONE).is_none());
        let reserved = now(&shares, OTHER);
        assert!(reserved.is_some());
        assert!(now(&shares, Holder::Emulator).is_none());
    }

    #[test]
    fn a_released_permit_goes_to_the_project_that_holds_the_fewest() {
        let shares = ConnectionShares::new(2, 0);
        let (first, second) = (now(&shares, ONE), now(&shares, ONE));
        let mut waiting_one = shares.request(ONE).unwrap();
        let mut waiting_other = shares.request(OTHER).unwrap();
        drop(first);
        assert!(waiting_one.try_recv().is_err());
        let granted = waiting_other.try_recv();
        assert!(granted.is_ok());
        drop(second);
        assert!(waiting_one.try_recv().is_ok());
    }

    #[test]
    fn a_call_that_gave_up_keeps_no_permit() {
        let shares = ConnectionShares::new(1, 0);
        let held = now(&shares, ONE);
        drop(shares.request(ONE).unwrap());
        // This call is granted a permit and gives up before it takes it.
        let granted = shares.request(OTHER).unwrap();
        drop(held);
        drop(granted);
        assert!(now(&shares, ONE).is_some());
        assert!(shares.lock().holders.is_empty() && shares.lock().in_use == 0);
    }

    #[tokio::test]
    async fn closing_waits_for_all_permits() {
        let shares = ConnectionShares::new(1, 0);
        let held = now(&shares, ONE);
        let waiting = shares.request(OTHER).unwrap();
        let closing = tokio::spawn({
            let shares = Arc::clone(&shares);
            async move { shares.close().await }
        });
        tokio::task::yield_now().await;
        drop(held);
        drop(waiting.await.unwrap());
        closing.await.unwrap();
        assert!(shares.acquire(ONE).await.is_err());
    }
}
