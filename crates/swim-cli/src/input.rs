//! Standard input, read by a separate thread: a blocked read must not keep the program from
//! ending.

use std::io::{self, BufRead, Read};

use tokio::sync::mpsc;

/// The longest accepted line, so that input without line breaks cannot fill the memory.
const LINE_SIZE_MAX: u64 = 1 << 20;

/// Lines read ahead while earlier ones are carried out.
const LINES_WAITING_MAX: usize = 16;

/// A line of input, or why it is invalid.
pub(crate) type InputLine = Result<String, String>;

/// Starts to read lines. The channel closes at the end of the input.
pub(crate) fn lines() -> io::Result<mpsc::Receiver<InputLine>> {
    let (sender, lines) = mpsc::channel(LINES_WAITING_MAX);
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        loop {
            wait_for_foreground();
            // The input has ended or cannot be read: no further commands come.
            let Ok(Some(line)) = read_line(&mut io::stdin().lock()) else {
                return;
            };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    })?;
    Ok(lines)
}

fn read_line(input: &mut impl BufRead) -> io::Result<Option<InputLine>> {
    let mut line = Vec::new();
    if input.by_ref().take(LINE_SIZE_MAX).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() as u64 == LINE_SIZE_MAX && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
        return Ok(Some(Err(format!("the line is longer than {LINE_SIZE_MAX} bytes"))));
    }
    let ending = line.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    line.truncate(line.len() - ending);
    Ok(Some(String::from_utf8(line).map_err(|_| "the line is not UTF-8".to_string())))
}

/// Waits until the process is in the foreground of its terminal.
///
/// The system stops a background job (`swim agent ... &` in a shell) that reads from its terminal.
/// The member would freeze, and its peers would declare it failed.
#[cfg(unix)]
fn wait_for_foreground() {
    use rustix::process::getpgrp;
    use rustix::termios::tcgetpgrp;

    const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(500);
    // An error means that this is not our terminal, so reading it is safe.
    while tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground != getpgrp()) {
        std::thread::sleep(LOOK_AGAIN);
    }
}

#[cfg(not(unix))]
fn wait_for_foreground() {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(mut input: &[u8]) -> Vec<InputLine> {
        std::iter::from_fn(|| read_line(&mut input).unwrap()).collect()
    }

    #[test]
    fn lines_end_in_any_of_three_ways() {
        let lines = read_all(b"members\r\nmeta a b \n\nleave");
        let lines: Vec<String> = lines.into_iter().map(Result::unwrap).collect();
        assert_eq!(lines, ["members", "meta a b ", "", "leave"]);
    }

    #[test]
    fn a_line_that_cannot_be_taken_is_told_and_skipped() {
        let mut input = b"\xff\n".to_vec();
        input.extend(vec![b'x'; (1 << 20) + 5]);
        input.extend(b"\nleave\n");
        let lines = read_all(&input);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].as_ref().unwrap_err().contains("UTF-8"));
        assert!(lines[1].as_ref().unwrap_err().contains("1048576"));
        assert_eq!(lines[2].as_ref().unwrap(), "leave");
    }
}
