use std::panic::AssertUnwindSafe;

use futures_lite::FutureExt;
use swim_driver::{Cluster, DropReason, Error, Hooks, MemberRef, State};

use crate::adapter::LocalFuture;
use crate::case::{Case, case};
use crate::scene::Scene;
use crate::wait::{LIMIT, in_time};

pub(crate) const CASES: &[Case] = &[
    case!(the_application_decides_who_is_admitted),
    case!(a_hook_that_panics_ends_the_node_and_its_callers_are_told),
    case!(the_panic_of_a_hook_comes_out_of_the_future_that_runs_the_node),
];

/// Admits members of this zone.
#[derive(Debug)]
struct OneZone;

impl Hooks for OneZone {
    fn admit(&mut self, member: &MemberRef<'_>) -> bool {
        member.meta.starts_with(b"zone=a")
    }
}

async fn the_application_decides_who_is_admitted(scene: &Scene) {
    let a = scene.start_with_hooks(scene.options("a"), Box::new(OneZone)).await;
    for (name, zone, state) in [("b", "zone=b", None), ("c", "zone=a", Some(State::Alive))] {
        let mut options = scene.returning(name);
        options.config.meta = zone.into();
        let other = scene.start(options).await;
        other.cluster.join([a.address()]).await.unwrap();
        assert_eq!(a.state_of(name), state);
        other.crash().await;
    }
    assert!(a.cluster.stats().await.unwrap().drops[DropReason::NotAdmitted] > 0);
}

/// The panic message of a hook.
pub(crate) const EXPECTED_PANIC: &str = "a mistake of the application";

#[derive(Debug)]
struct Panicking;

impl Hooks for Panicking {
    fn admit(&mut self, _member: &MemberRef<'_>) -> bool {
        std::panic::panic_any(EXPECTED_PANIC);
    }
}

async fn a_hook_that_panics_ends_the_node_and_its_callers_are_told(scene: &Scene) {
    let mut a = scene.start_with_hooks(scene.options("a"), Box::new(Panicking)).await;
    let b = scene.node("b").await;
    assert_eq!(a.cluster.join([b.address()]).await, Err(Error::Stopped));
    in_time("the node has ended", a.node.stopped()).await;
    assert_eq!(a.cluster.stats().await, Err(Error::Stopped));
    assert_eq!(a.cluster.members().len(), 1, "as last known");
    assert_eq!(a.node.shutdown(LIMIT).await, Err(Error::Stopped));
}

async fn the_panic_of_a_hook_comes_out_of_the_future_that_runs_the_node(scene: &Scene) {
    let b = scene.node("b").await;
    let contact = b.address();
    let a = scene.bind_with_hooks(scene.options("a"), Box::new(Panicking)).await.unwrap();
    let join = Box::new(move |cluster: Cluster, _| {
        Box::pin(async move { drop(cluster.join([contact]).await) }) as LocalFuture<'static, ()>
    });
    let panic = AssertUnwindSafe(a.run(join)).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&EXPECTED_PANIC));
}
