//! Runs in parallel.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;

/// Does the same work on each item, on `jobs` threads, and returns the results in order.
///
/// It reports progress on standard error if that is a terminal.
pub(crate) fn map<T, R>(jobs: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R>
where
    T: Sync,
    R: Send,
{
    let todo = Mutex::new(items.iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let take = || todo.lock().ok().and_then(|mut todo| todo.next());
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                while let Some((place, item)) = take() {
                    let result = work(item);
                    if let Ok(mut done) = done.lock() {
                        done.push((place, result));
                        tell(done.len(), items.len());
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().expect("a thread that panics ends the scope with a panic");
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

fn tell(done: usize, all: usize) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let end = if done == all { '\n' } else { '\r' };
        // Only for a person who watches, so a failure does not matter.
        let _ = write!(err, "{done} of {all} runs{end}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_however_many_threads_there_are() {
        let items: Vec<u32> = (0..100).collect();
        let squares: Vec<u32> = items.iter().map(|item| item * item).collect();
        for jobs in [0, 1, 3, 200] {
            assert_eq!(map(jobs, &items, |item| item * item), squares);
        }
    }
}
