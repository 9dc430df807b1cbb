//! Answers the requests that wait at the same moment with one statement.
//!
//! While a statement runs, the requests that arrive are queued, and when a connection is free, all that wait go into the
//! next statement. Nothing waits for a batch to grow: a request that finds no statement running is sent at once. Nothing
//! is cached: each statement begins after its requests have arrived, so it sees everything that was committed before they
//! were sent, also by another emulator on the same database.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::PgConnection;
use tokio::sync::oneshot::{self, Sender};
use tokio::time::timeout;

use super::error::copy_of;
use super::pool::Pool;
use crate::domain::project::ProjectId;
use crate::metrics::SizeHistogram;
use crate::trace::statement;

/// How many statements of one queue run at the same time at most.
const MAX_RUNNING: usize = 4;
/// How long a statement runs before another one is started beside it. With one statement after the other, each answers
/// more requests, which is faster; but one that is slow or waits for a lock must not hold up the others.
const SLOW_AFTER: Duration = Duration::from_millis(10);
/// How many requests one statement answers at most.
const MAX_BATCH: usize = 64;
/// How many requests wait at most. A further one fails as if no connection became available.
const MAX_WAITING: usize = 10_000;

/// A statement that answers one request or many.
pub trait BatchStatement: Send + Sync + 'static {
    /// What a request asks for.
    type Request: Send + Sync + 'static;
    /// What it is answered.
    type Answer: Send + 'static;
    /// The name of the statement in metrics and traces.
    const NAME: &'static str;

    /// Returns the project of a request.
    fn project(request: &Self::Request) -> Option<ProjectId>;

    /// Answers the requests, of which there is at least one, in their order. Each must be answered as if it were alone. On a
    /// distributed database they are all of one project.
    ///
    /// # Errors
    /// Returns an error when the statement fails. The requests are then tried one by one, so that the error reaches only
    /// the request that causes it.
    fn run(
        connection: &mut PgConnection,
        requests: &[Self::Request],
        is_distributed: bool,
    ) -> impl Future<Output = Result<Vec<Self::Answer>, sqlx::Error>> + Send;
}

/// The requests for one kind of statement, of all projects.
pub struct BatchQueue<B: BatchStatement>(Arc<Shared<B>>);

struct Shared<B: BatchStatement> {
    pool: Pool,
    sizes: SizeHistogram,
    /// Whether each statement answers only requests of one project, so that one server of a distributed database can answer it.
    is_distributed: bool,
    state: Mutex<State<B>>,
}

struct State<B: BatchStatement> {
    waiting: VecDeque<Waiting<B>>,
    /// How many tasks take batches from the queue.
    running: usize,
    /// How many of them have a statement that is slow.
    slow: usize,
}

struct Waiting<B: BatchStatement> {
    request: B::Request,
    answer: Sender<Result<B::Answer, sqlx::Error>>,
}

impl<B: BatchStatement> fmt::Debug for BatchQueue<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("BatchQueue").finish_non_exhaustive()
    }
}

impl<B: BatchStatement> BatchQueue<B> {
    /// Creates an empty queue, whose statements use connections of `pool`. With `is_distributed`, each answers requests of one project.
    #[must_use]
    pub fn new(pool: Pool, is_distributed: bool) -> Self {
        let sizes = pool.metrics().batch_sizes(B::NAME);
        let state = Mutex::new(State { waiting: VecDeque::new(), running: 0, slow: 0 });
        Self(Arc::new(Shared { pool, sizes, is_distributed, state }))
    }

    /// Answers a request, together with others that wait. A caller that gives up does not affect the others.
    ///
    /// # Errors
    /// Returns [`sqlx::Error::PoolTimedOut`] when no connection becomes available in time or too many requests wait, and
    /// the error of the statement.
    pub async fn answer(&self, request: B::Request) -> Result<B::Answer, sqlx::Error> {
        // The statement runs in another task, so the span of this request includes the wait for it.
        let _statement = statement(B::NAME);
        let (answer, answered) = oneshot::channel();
        {
            let mut state = self.0.lock();
            if state.waiting.len() >= MAX_WAITING {
                return Err(sqlx::Error::PoolTimedOut);
            }
            state.waiting.push_back(Waiting { request, answer });
            self.0.start_if_needed(&mut state);
        }
        // The sender is dropped without an answer when the statement panics.
        answered.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

impl<B: BatchStatement> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a task that takes batches from the queue, if requests wait and all such tasks have a slow statement.
    fn start_if_needed(self: &Arc<Self>, state: &mut State<B>) {
        if !state.waiting.is_empty() && state.running == state.slow && state.running < MAX_RUNNING {
            state.running += 1;
            tokio::spawn(Running { shared: Arc::clone(self), is_counted: true, is_slow: false }.until_empty());
        }
    }
}

/// A task that takes batches from the queue.
struct Running<B: BatchStatement> {
    shared: Arc<Shared<B>>,
    is_counted: bool,
    /// Whether its statement is slow.
    is_slow: bool,
}

impl<B: BatchStatement> Drop for Running<B> {
    /// Corrects the count after a panic.
    fn drop(&mut self) {
        self.set_slow(false);
        if self.is_counted {
            self.shared.lock().running -= 1;
        }
    }
}

impl<B: BatchStatement> Running<B> {
    async fn until_empty(mut self) {
        let is_distributed = self.shared.is_distributed;
        // The connection is released after each statement, so that those who wait for one get it in their turn.
        while self.continues() {
            let connection = self.shared.pool.acquire_for_batch().await;
            let batch = self.take(if connection.is_ok() { MAX_BATCH } else { MAX_WAITING });
            if connection.is_ok() && !batch.is_empty() {
                self.shared.sizes.record(batch.len());
            }
            let work = async {
                match connection {
                    Ok(mut connection) => {
                        if run::<B>(&mut connection, batch, is_distributed).await {
                            connection.release();
                        }
                    }
                    Err(error) => fail(batch, &error),
                }
            };
            let mut work = std::pin::pin!(work);
            if timeout(SLOW_AFTER, &mut work).await.is_err() {
                self.set_slow(true);
                work.await;
                self.set_slow(false);
            }
        }
    }

    /// Records whether the statement is slow. Those that wait behind a slow one get a task of their own.
    fn set_slow(&mut self, is_slow: bool) {
        if self.is_slow == is_slow {
            return;
        }
        self.is_slow = is_slow;
        let mut state = self.shared.lock();
        if is_slow {
            state.slow += 1;
            self.shared.start_if_needed(&mut state);
        } else {
            state.slow -= 1;
        }
    }

    /// Returns whether requests wait. If none does, this task is no longer counted, so that the next request starts
    /// another one.
    fn continues(&mut self) -> bool {
        let mut state = self.shared.lock();
        if state.waiting.is_empty() {
            state.running -= 1;
            self.is_counted = false;
        }
        self.is_counted
    }

    /// Removes up to `limit` requests whose callers still wait for an answer.
    fn take(&self, limit: usize) -> Vec<Waiting<B>> {
        let mut state = self.shared.lock();
        let mut batch = Vec::with_capacity(limit.min(state.waiting.len()));
        let first = state.waiting.front().map(|waiting| B::project(&waiting.request));
        let mut others = VecDeque::new();
        while batch.len() < limit
            && let Some(waiting) = state.waiting.pop_front()
        {
            if self.shared.is_distributed && Some(B::project(&waiting.request)) != first {
                others.push_back(waiting);
            } else if !waiting.answer.is_closed() {
                batch.push(waiting);
            }
        }
        while let Some(waiting) = others.pop_back() {
            state.waiting.push_front(waiting);
        }
        batch
    }
}

/// Answers a batch, and returns whether the connection can be used again without a check.
async fn run<B: BatchStatement>(connection: &mut PgConnection, batch: Vec<Waiting<B>>, is_distributed: bool) -> bool {
    if batch.is_empty() {
        return true;
    }
    let (requests, answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.request, waiting.answer)).unzip();
    let error = match B::run(connection, &requests, is_distributed).await {
        Ok(answered) => {
            for (answer, answered) in answers.into_iter().zip(answered) {
                // The caller may have given up.
                let _ = answer.send(Ok(answered));
            }
            return true;
        }
        Err(error) => error,
    };
    let is_of_one_request = requests.len() > 1 && error.as_database_error().is_some();
    for (request, answer) in requests.chunks(1).zip(answers) {
        let answered = if is_of_one_request {
            run_one::<B>(connection, request, is_distributed).await
        } else {
            Err(copy_of(&error))
        };
        let _ = answer.send(answered);
    }
    false
}

async fn run_one<B: BatchStatement>(
    connection: &mut PgConnection,
    request: &[B::Request],
    is_distributed: bool,
) -> Result<B::Answer, sqlx::Error> {
    let answer = B::run(connection, request, is_distributed).await?.pop();
    answer.ok_or_else(|| sqlx::Error::Protocol("a statement has not answered its request".to_owned()))
}

fn fail<B: BatchStatement>(batch: Vec<Waiting<B>>, error: &sqlx::Error) {
    for waiting in batch {
        let _ = waiting.answer.send(Err(copy_of(error)));
    }
}
