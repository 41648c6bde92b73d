//! Members that run only half of the time do not blame their peers. (Lifeguard, DSN 2018, in small;
//! the paper's own experiment is `examples/detection.rs`.)

use core::time::Duration;

use swim_core::Event;
use swim_sim::{World, WorldOptions, secs};

const NODES: usize = 32;

/// How often healthy and slow members were declared failed, in all views together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Failures {
    of_healthy: usize,
    of_slow: usize,
}

fn failures(world: &World, slow: &[String]) -> Failures {
    let mut failures = Failures::default();
    let observers = (0..NODES).map(|number| format!("n{number}"));
    for record in observers.flat_map(|observer| world.events(&observer)) {
        match &record.event {
            Event::Failed { member, .. }
                if slow.iter().any(|name| member.name == name.as_str()) =>
            {
                failures.of_slow += 1;
            }
            Event::Failed { .. } => failures.of_healthy += 1,
            _ => {}
        }
    }
    failures
}

/// The repeated pattern of a slow member.
#[derive(Clone, Copy, Debug)]
struct Rhythm {
    paused: Duration,
    running: Duration,
}

/// Runs ten minutes in which `slow` members are slow: all at once, or every second one while the
/// rest runs.
fn slow_down(
    seed: u64,
    slow: usize,
    rhythm: Rhythm,
    in_turns: bool,
    socket_buffer: usize,
) -> Failures {
    let mut world = WorldOptions::new(seed)
        .socket_buffer(socket_buffer)
        .records_of(|event| matches!(event, Event::Failed { .. }))
        .digest(false)
        .build();
    world.form(NODES);
    let slow: Vec<String> = (0..slow).map(|number| format!("n{}", number * 2 + 1)).collect();
    let (first, second) = slow.split_at(if in_turns { slow.len() / 2 } else { slow.len() });
    let end = world.now() + secs(600);
    while world.now() < end {
        for paused in [first, second] {
            paused.iter().for_each(|name| world.pause(name));
            world.run(rhythm.paused);
            paused.iter().for_each(|name| world.resume(name));
            world.run(rhythm.running);
        }
    }
    let found = failures(&world, &slow);
    println!("seed {seed}, {} slow, {rhythm:?}, in turns: {in_turns}: {found:?}", slow.len());
    found
}

#[test]
fn s11_members_that_run_half_of_the_time_fail_nobody_and_are_not_failed() {
    let rhythm = Rhythm { paused: secs(2), running: secs(2) };
    for seed in 0..3 {
        for slow in [4, 8] {
            for in_turns in [false, true] {
                // A socket that holds few datagrams also loses answers and refutations.
                for socket_buffer in [256, 8] {
                    let found = slow_down(seed, slow, rhythm, in_turns, socket_buffer);
                    assert_eq!(found, Failures { of_healthy: 0, of_slow: 0 }, "seed {seed}");
                }
            }
        }
    }
}

#[test]
fn s11_members_that_sleep_for_longer_than_a_suspicion_fail_no_healthy_one() {
    let rhythm = Rhythm { paused: secs(16), running: secs(1) };
    for seed in 0..3 {
        for in_turns in [false, true] {
            let found = slow_down(seed, 4, rhythm, in_turns, 256);
            assert_eq!(found.of_healthy, 0, "seed {seed}");
            assert!(found.of_slow > 0, "the slow ones are rightly missed");
        }
    }
}
