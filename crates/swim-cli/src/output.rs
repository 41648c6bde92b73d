//! Standard output, written by a separate thread: a slow or closed reader must not delay the node.

use std::io::{self, Write};

use tokio::sync::{mpsc, oneshot};

use crate::print::{Format, Line};

/// How many lines wait for a slow reader. Beyond that, the tasks that print wait, and events pile
/// up in their own bounded queue.
const LINES_WAITING_MAX: usize = 64;

/// Text to write.
#[derive(Debug)]
enum Block {
    /// One line or several, without the last line break.
    Lines(String),
    /// The state of the last line on a terminal until the next lines; empty to clear it.
    Progress(String),
}

/// Prints lines. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    format: Format,
    blocks: mpsc::Sender<Block>,
}

/// How standard output ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The reader of the pipe is gone.
    Closed,
    /// The very first line could not be written.
    Unwritable(io::Error),
    /// Every line is written, and no sender is left.
    Done,
}

/// Reports the end of standard output.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` once it was reported.
    end: Option<oneshot::Receiver<End>>,
}

impl Output {
    /// Starts the thread.
    pub(crate) fn start(format: Format) -> io::Result<(Self, Ended)> {
        let (blocks, waiting) = mpsc::channel(LINES_WAITING_MAX);
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new().name("stdout".into()).spawn(move || {
            // The receiver may be gone.
            let _ = end.send(write_all(waiting, &mut anstream::stdout()));
        })?;
        Ok((Output { format, blocks }, Ended { end: Some(ended) }))
    }

    /// How lines look.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints a line; waits while the reader is behind. Does nothing once the output has ended (see
    /// [`Ended`]).
    pub(crate) async fn line(&self, line: Line) {
        self.block(self.format.render_now(line)).await;
    }

    /// Prints text of several lines, without the last line break.
    pub(crate) async fn block(&self, text: String) {
        let _ = self.blocks.send(Block::Lines(text)).await;
    }

    /// Shows progress until the next line or progress; for terminals only.
    pub(crate) fn progress(&self, text: String) {
        // If the reader is behind, progress is skipped.
        let _ = self.blocks.try_send(Block::Progress(text));
    }
}

impl Ended {
    /// Waits for the end, and returns it once; later calls return [`End::Done`].
    pub(crate) async fn wait(&mut self) -> End {
        let Some(end) = &mut self.end else {
            return End::Done;
        };
        let told = end.await;
        self.end = None;
        told.unwrap_or(End::Done)
    }
}

fn write_all(mut blocks: mpsc::Receiver<Block>, output: &mut impl Write) -> End {
    let mut progress_width = 0;
    let mut written_any = false;
    let mut complained = false;
    while let Some(block) = blocks.blocking_recv() {
        match write_block(&block, &mut progress_width, output) {
            Ok(()) => {
                written_any = true;
                complained = false;
            }
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return End::Closed,
            Err(error) if !written_any => return End::Unwritable(error),
            // A full disk is no reason to leave the cluster.
            Err(error) if !complained => {
                complained = true;
                crate::to_stderr(&format!(
                    "cannot write to standard output: {error}; lines are lost"
                ));
            }
            Err(_) => {}
        }
    }
    End::Done
}

/// Overwrites progress with blanks, which works on every terminal, unlike escape sequences.
fn write_block(
    block: &Block,
    progress_width: &mut usize,
    output: &mut impl Write,
) -> io::Result<()> {
    let width = std::mem::take(progress_width);
    let mut text = match width {
        0 => String::new(),
        width => format!("\r{:width$}\r", ""),
    };
    match block {
        Block::Lines(lines) => {
            text.push_str(lines);
            text.push('\n');
        }
        Block::Progress(progress) => {
            *progress_width = progress.chars().count();
            text.push_str(progress);
        }
    }
    output.write_all(text.as_bytes())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `good` writes, then fails with `kind`.
    struct Failing {
        good: usize,
        kind: io::ErrorKind,
    }

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.good.checked_sub(1) {
                Some(left) => {
                    self.good = left;
                    Ok(bytes.len())
                }
                None => Err(self.kind.into()),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn end_after(good: usize, kind: io::ErrorKind) -> End {
        let (sender, waiting) = mpsc::channel(8);
        for _ in 0..3 {
            sender.try_send(Block::Lines("line".into())).unwrap();
        }
        drop(sender);
        write_all(waiting, &mut Failing { good, kind })
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_output() {
        assert!(matches!(end_after(1, io::ErrorKind::BrokenPipe), End::Closed));
        assert!(matches!(end_after(0, io::ErrorKind::BrokenPipe), End::Closed));
    }

    #[test]
    fn progress_gives_way_to_lines() {
        let (sender, waiting) = mpsc::channel(8);
        for block in [
            Block::Progress("1 of 2".into()),
            Block::Progress("2 of 2".into()),
            Block::Lines("done".into()),
            Block::Lines("next".into()),
        ] {
            sender.try_send(block).unwrap();
        }
        drop(sender);
        let mut written = Vec::new();
        write_all(waiting, &mut written);
        let written = String::from_utf8(written).unwrap();
        assert_eq!(written, "1 of 2\r      \r2 of 2\r      \rdone\nnext\n");
    }

    #[test]
    fn only_a_first_line_that_cannot_be_written_ends_the_output() {
        assert!(matches!(end_after(0, io::ErrorKind::StorageFull), End::Unwritable(_)));
        assert!(matches!(end_after(1, io::ErrorKind::StorageFull), End::Done));
        assert!(matches!(end_after(9, io::ErrorKind::StorageFull), End::Done));
    }
}
