//! Commands under way.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// A running command, which returns its output.
pub(super) type Running = Pin<Box<dyn Future<Output = String> + Send>>;

/// Commands that start in order and finish in any order.
#[derive(Default)]
pub(super) struct InFlight {
    commands: Vec<Running>,
}

impl InFlight {
    /// The number of running commands.
    pub(super) fn len(&self) -> usize {
        self.commands.len()
    }

    /// Starts a command: it is polled at once, so that the node gets commands in the order of their
    /// lines. Returns its output if it is done by then.
    pub(super) async fn start(&mut self, mut command: Running) -> Option<String> {
        let done = poll_fn(|context| match command.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Ready(None),
        })
        .await;
        if done.is_none() {
            self.commands.push(command);
        }
        done
    }

    /// Returns the output of the next command that is done; never resolves while none runs. Cancel
    /// safe.
    pub(super) async fn next(&mut self) -> String {
        poll_fn(|context| {
            for at in 0..self.commands.len() {
                if let Poll::Ready(done) = self.commands[at].as_mut().poll(context) {
                    drop(self.commands.remove(at));
                    return Poll::Ready(done);
                }
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn commands_begin_in_order_and_end_in_any() {
        let mut in_flight = InFlight::default();
        let (slow, waits) = oneshot::channel();
        let begun = in_flight.start(Box::pin(async { waits.await.unwrap() })).await;
        assert_eq!(begun, None);
        let done = in_flight.start(Box::pin(async { "quick".to_string() })).await;
        assert_eq!(done.as_deref(), Some("quick"));
        assert_eq!(in_flight.len(), 1);
        slow.send("slow".to_string()).unwrap();
        assert_eq!(in_flight.next().await, "slow");
        assert_eq!(in_flight.len(), 0);
    }
}
