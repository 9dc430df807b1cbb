//! The span that the running future is part of.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use super::recorder::Recorder;
use crate::domain::trace_context::TraceContext;

/// How many statements of one span become spans of their own. A request that loads a large state executes very many.
const MAX_STATEMENTS: u32 = 200;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Active>>> = const { RefCell::new(None) };
}

/// What statements need to know of the span that they are part of.
#[derive(Debug)]
pub(super) struct Active {
    pub recorder: Arc<Recorder>,
    pub context: Arc<TraceContext>,
    statements: AtomicU32,
}

impl Active {
    pub fn new(recorder: Arc<Recorder>, context: Arc<TraceContext>) -> Self {
        Self { recorder, context, statements: AtomicU32::new(0) }
    }

    /// Counts a statement, and returns whether it becomes a span.
    pub fn admits_statement(&self) -> bool {
        self.statements.fetch_add(1, Ordering::Relaxed) < MAX_STATEMENTS
    }

    /// Returns how many statements have not become spans.
    pub fn omitted(&self) -> u32 {
        self.statements.load(Ordering::Relaxed).saturating_sub(MAX_STATEMENTS)
    }
}

/// Returns the span that the running future is part of.
pub(super) fn current() -> Option<Arc<Active>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Restores the span of the outer future, also after a panic.
struct Restore(Option<Arc<Active>>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// A future that is a part of a span, on whichever thread it runs. Without a span, it is a part of none.
///
/// The future of a request is large, so it is boxed at once: what contains this value moves only the pointer.
#[derive(Debug)]
pub(super) struct Inside<F> {
    active: Option<Arc<Active>>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _restore = self.active.as_ref().map(|active| Restore(CURRENT.replace(Some(Arc::clone(active)))));
        self.future.as_mut().poll(context)
    }
}

/// Returns the future as a part of a span.
pub(super) fn inside<F: Future>(active: Option<Arc<Active>>, future: F) -> Inside<F> {
    Inside { active, future: Box::pin(future) }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::metrics::TraceMetrics;

    #[tokio::test]
    async fn the_span_is_current_only_while_its_future_runs() {
        let (recorder, _spans) = Recorder::new(mpsc::channel(1), TraceMetrics::default());
        let active =
            |number| Arc::new(Active::new(Arc::clone(&recorder), Arc::new(TraceContext::root([number; 16], [1; 8]))));
        let current_id = || current().map(|active| active.context.trace_id[0]);
        let nested = inside(Some(active(1)), async {
            let inner = inside(Some(active(2)), async {
                tokio::task::yield_now().await;
                current_id()
            });
            (current_id(), inner.await, inside(None, async { current_id() }).await, current_id())
        });
        assert_eq!(nested.await, (Some(1), Some(2), Some(1), Some(1)));
        assert_eq!(current_id(), None);
    }

    #[test]
    fn the_number_of_statements_is_limited() {
        let (recorder, _spans) = Recorder::new(mpsc::channel(1), TraceMetrics::default());
        let active = Active::new(recorder, Arc::new(TraceContext::root([1; 16], [1; 8])));
        let admitted = (0..MAX_STATEMENTS + 7).filter(|_| active.admits_statement()).count();
        assert_eq!((u32::try_from(admitted), active.omitted()), (Ok(MAX_STATEMENTS), 7));
    }
}
