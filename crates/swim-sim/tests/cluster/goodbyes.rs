//! Leaves after something was broken, and how they went.

use swim_core::{Answer, Failure, Status};
use swim_sim::{Options, World, secs};

/// How long a leave takes at most, on the LAN profile with five nodes; one that nobody hears, too.
const LEAVE_TIME_MAX: u64 = 4;

/// Five nodes, of which `n1` leaves after something was broken. Returns the world, and how the
/// leave went.
pub(crate) fn leave_after(
    options: Options,
    act: impl FnOnce(&mut World),
) -> (World, Result<Answer, Failure>) {
    let mut world = options.build();
    world.form(5);
    act(&mut world);
    let request = world.leave("n1");
    let answered = world.run_until(secs(LEAVE_TIME_MAX), |world| world.answer(request).is_some());
    assert!(answered, "{}", world.report(Some("n1")));
    assert_eq!(world.node("n1").status(), Status::Left);
    let result = world.answer(request).cloned().expect("it is answered");
    (world, result)
}
