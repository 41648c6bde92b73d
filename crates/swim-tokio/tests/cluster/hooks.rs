use swim_tokio::{DropReason, Error, Hooks, MemberRef, State, bind_with_hooks};

use tokio::time::timeout;

use crate::harness::{LIMIT, Node, options, start};

async fn start_with_hooks(name: &str, hooks: Box<dyn Hooks>) -> Node {
    swim_tokio::start_with_hooks(options(name), hooks).await.unwrap().into()
}

/// Lets in whoever belongs to this zone.
#[derive(Debug)]
struct OneZone;

impl Hooks for OneZone {
    fn admit(&mut self, member: &MemberRef<'_>) -> bool {
        member.meta.starts_with(b"zone=a")
    }
}

#[tokio::test]
async fn the_application_decides_who_is_admitted() {
    let a = start_with_hooks("a", Box::new(OneZone)).await;
    for (name, zone, state) in [("b", "zone=b", None), ("c", "zone=a", Some(State::Alive))] {
        let mut options = options(name);
        options.config.meta = zone.into();
        let other = start(options).await;
        other.cluster.join([a.address()]).await.unwrap();
        assert_eq!(a.state_of(name), state);
        other.crash().await;
    }
    assert!(a.cluster.stats().await.unwrap().drops[DropReason::NotAdmitted] > 0);
}

#[derive(Debug)]
struct Panicking;

impl Hooks for Panicking {
    fn admit(&mut self, _member: &MemberRef<'_>) -> bool {
        panic!("a mistake of the application");
    }
}

#[tokio::test]
async fn a_hook_that_panics_ends_the_node_and_its_callers_are_told() {
    let mut a = start_with_hooks("a", Box::new(Panicking)).await;
    let b = start(options("b")).await;
    assert_eq!(a.cluster.join([b.address()]).await, Err(Error::Stopped));
    timeout(LIMIT, a.node.stopped()).await.unwrap();
    assert_eq!(a.cluster.stats().await, Err(Error::Stopped));
    assert_eq!(a.cluster.members().len(), 1, "as last known");
    assert_eq!(a.node.shutdown(LIMIT).await, Err(Error::Stopped));
}

#[tokio::test]
#[should_panic(expected = "a mistake of the application")]
async fn the_panic_of_a_hook_comes_out_of_the_future_that_runs_the_node() {
    let b = start(options("b")).await;
    let contact = b.address();
    let a = bind_with_hooks(options("a"), Box::new(Panicking)).await.unwrap();
    let _ = a.run(|cluster, _| async move { cluster.join([contact]).await }).await;
}
