//! A future that runs to its end even when its caller is dropped.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long a future may continue after its caller was dropped: longer than any statement may take.
const DETACHED_TIMEOUT: Duration = Duration::from_mins(2);

/// Polls a future in place. When this value is dropped before the future has ended, the future continues in a task of its own, so that
/// a disconnected client or a request timeout does not stop a transaction half way. A panic of the future becomes an error.
pub struct RunToEnd<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output: Send> + Send + 'static> RunToEnd<F> {
    pub fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for RunToEnd<F> {
    /// The error is the message of the panic.
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // The future is taken out, so that it is not polled again after a panic.
        let Some(mut future) = self.0.take() else { return Poll::Pending };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => {
                self.0 = Some(future);
                Poll::Pending
            }
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => Poll::Ready(Err(message(&*panic))),
        }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for RunToEnd<F> {
    fn drop(&mut self) {
        if let (Some(future), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(timeout(DETACHED_TIMEOUT, future));
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn a_dropped_future_runs_to_its_end() {
        let (sender, receiver) = oneshot::channel();
        let work = RunToEnd::new(async move {
            sleep(Duration::from_millis(30)).await;
            let _ = sender.send(42);
        });
        assert!(timeout(Duration::from_millis(1), work).await.is_err());
        assert_eq!(receiver.await, Ok(42));
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let panics = RunToEnd::new(async { panic!("on purpose") });
        assert_eq!(panics.await, Err::<(), _>("panicked: on purpose".to_owned()));
        assert_eq!(RunToEnd::new(async { 1 }).await, Ok(1));
    }
}
